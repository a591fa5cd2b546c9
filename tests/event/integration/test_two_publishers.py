"""A request and the relay, or two relays, may publish at the same time."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from shared.messaging.errors import NotPublished
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.outbox.services import NewMessage, outbox_add, publish_pending
from tests.support.broker import Broker
from tests.support.outbox import unpublished
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


class SlowPublisher(Publisher):
    """Holds its messages until it is released."""

    def __init__(self) -> None:
        self.holds = threading.Event()
        self.let_go = threading.Event()
        self.published: list[str] = []

    def publish(self, messages: Sequence[OutgoingMessage]) -> list[NotPublished | None]:
        self.holds.set()
        assert self.let_go.wait(PATIENCE_SECONDS)
        self.published += [message.message_id for message in messages]
        return [None for _ in messages]


@transaction.atomic
def add(count: int) -> None:
    outbox_add(
        [
            NewMessage(
                exchange="events",
                routing_key="event.created",
                ordering_key="event-1",
                body={"number": number},
            )
            for number in range(count)
        ]
    )


def publish_in_thread(publisher: Publisher, *, wait: bool) -> int:
    try:
        return publish_pending(publisher, wait=wait)
    finally:
        connection.close()


def test_a_request_leaves_its_messages_to_the_publisher_that_has_the_lock() -> None:
    add(1)
    slow, fast = SlowPublisher(), SlowPublisher()
    fast.let_go.set()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(publish_in_thread, slow, wait=True)
        assert slow.holds.wait(PATIENCE_SECONDS)
        add(1)
        assert pool.submit(publish_in_thread, fast, wait=False).result(PATIENCE_SECONDS) == 0
        slow.let_go.set()
        assert first.result(PATIENCE_SECONDS) == 1

    assert fast.published == []


def test_a_relay_waits_for_the_lock_and_then_sees_what_is_left() -> None:
    add(2)
    slow, next_one = SlowPublisher(), SlowPublisher()
    next_one.let_go.set()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(publish_in_thread, slow, wait=True)
        assert slow.holds.wait(PATIENCE_SECONDS)
        add(3)
        second = pool.submit(publish_in_thread, next_one, wait=True)
        assert not next_one.holds.wait(BRIEF_SECONDS)
        slow.let_go.set()
        assert (first.result(PATIENCE_SECONDS), second.result(PATIENCE_SECONDS)) == (2, 3)

    assert len({*slow.published, *next_one.published}) == 5


def test_publishers_that_race_publish_every_message_once_and_in_order(broker: Broker) -> None:
    add(120)
    barrier = threading.Barrier(4)

    def drain() -> int:
        publisher = Publisher(broker.url, timeout=PATIENCE_SECONDS)
        total = 0
        try:
            barrier.wait(PATIENCE_SECONDS)
            while unpublished():
                total += publish_pending(publisher, wait=True, limit=7)
        finally:
            publisher.close()
            connection.close()
        return total

    with ThreadPoolExecutor() as pool:
        totals = [
            future.result(PATIENCE_SECONDS) for future in [pool.submit(drain) for _ in range(4)]
        ]

    assert sum(totals) == 120
    found = [json.loads(message.body)["number"] for message in broker.take_all()]
    assert found == list(range(120))
