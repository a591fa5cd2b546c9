"""A request and the relay, or two relays, may publish at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.outbox.models import OutboxMessage
from shared.outbox.services import publish_pending
from tests.shared.broker import Broker

pytestmark = pytest.mark.django_db(transaction=True)


class SlowPublisher(Publisher):
    """Has its message in hand until it is told to let go."""

    def __init__(self) -> None:
        self.holds = threading.Event()
        self.let_go = threading.Event()
        self.published: list[str] = []

    def publish(self, message: OutgoingMessage) -> None:
        self.holds.set()
        assert self.let_go.wait(10)
        self.published.append(message.message_id)


def add(count: int) -> None:
    OutboxMessage.objects.bulk_create(
        OutboxMessage(exchange="events", routing_key="event.created", body={"number": number})
        for number in range(count)
    )


def publish_in_thread(publisher: Publisher, *, limit: int = 100) -> int:
    try:
        return publish_pending(publisher, limit=limit)
    finally:
        connection.close()


def test_a_second_publisher_skips_what_the_first_has_in_hand_and_does_not_wait() -> None:
    add(2)
    slow, fast = SlowPublisher(), SlowPublisher()
    fast.let_go.set()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(publish_in_thread, slow, limit=1)
        assert slow.holds.wait(10)
        second = pool.submit(publish_in_thread, fast)
        assert second.result(10) == 1
        slow.let_go.set()
        assert first.result(10) == 1

    assert len({*slow.published, *fast.published}) == 2
    assert not OutboxMessage.objects.filter(published_at__isnull=True).exists()


def test_publishers_that_race_publish_every_message_exactly_once(broker: Broker) -> None:
    add(120)
    barrier = threading.Barrier(4)

    def drain() -> int:
        publisher = Publisher(broker.url, timeout=10)
        total = 0
        try:
            barrier.wait(10)
            while OutboxMessage.objects.filter(published_at__isnull=True).exists():
                total += publish_pending(publisher, limit=7)
        finally:
            publisher.close()
            connection.close()
        return total

    with ThreadPoolExecutor() as pool:
        totals = [future.result(30) for future in [pool.submit(drain) for _ in range(4)]]

    assert sum(totals) == 120
    found = [message.properties.message_id for message in broker.take_all()]
    assert len(found) == len(set(found)) == 120
