"""From a committed event to RabbitMQ, and what happens while RabbitMQ is down."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from io import StringIO
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import Publisher
from shared.outbox import after_commit
from shared.outbox.models import OutboxEntry
from shared.outbox.services import NewMessage, outbox_add, prune_published, publish_pending
from shared.outbox.status import outbox_status
from tests.support.broker import Broker
from tests.support.event.http import VALID, post
from tests.support.outbox import rewrite, stored, unpublished
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy(broker: Broker, settings: Settings) -> Iterator[TcpProxy]:
    """Between the event service and RabbitMQ."""
    parts = urlsplit(broker.url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    settings.RABBITMQ_URL = proxy.url(broker.url)
    yield proxy
    proxy.mend()
    after_commit._publisher().close()
    after_commit._publisher.cache_clear()
    proxy.close()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(broker.url, timeout=PATIENCE_SECONDS)
    yield publisher
    publisher.close()


def add_together(which: Sequence[int], *, keys: Sequence[str] | None = None) -> None:
    """In one entry; of one key unless `keys` are given."""
    with transaction.atomic():
        outbox_add(
            [
                NewMessage(
                    exchange="events",
                    routing_key="event.updated",
                    ordering_key=key,
                    body={"number": number},
                )
                for number, key in zip(which, keys or ["event-1"] * len(which), strict=True)
            ]
        )


def create(client: Client) -> float:
    """Creates an event; returns how many seconds that took."""
    began = time.monotonic()
    response = post(client, VALID)
    assert response.status_code == 201, response.content
    return time.monotonic() - began


def pending() -> int:
    return sum(OutboxEntry.objects.filter(published_at=None).values_list("size", flat=True))


def all_published() -> bool:
    return pending() == 0


def add(number: int = 0, *, key: str = "event-1", routing_key: str = "event.updated") -> None:
    with transaction.atomic():
        outbox_add(
            [
                NewMessage(
                    exchange="events",
                    routing_key=routing_key,
                    ordering_key=key,
                    body={"number": number},
                )
            ]
        )


def numbers(broker: Broker) -> list[int]:
    return [json.loads(message.body)["number"] for message in broker.take_all()]


def create_until_published(client: Client) -> None:
    """A publisher that has lost its broker reconnects after a pause."""

    def attempt() -> bool:
        create(client)
        return all_published()

    until(attempt, "an event whose message is published by its own request")


def test_a_created_event_is_in_the_queue_when_the_client_has_its_answer(
    client: Client, broker: Broker, proxy: TcpProxy
) -> None:
    response = post(client, VALID)

    message = broker.take()
    assert message is not None
    assert json.loads(message.body) == response.json()
    assert broker.take() is None
    assert all_published()


def test_the_message_has_the_properties_of_the_contract(
    client: Client, broker: Broker, publisher: Publisher
) -> None:
    before = int(time.time())
    create(client)
    after = int(time.time())
    publish_pending(publisher, wait=True)

    message = broker.wait_for_message()
    [row] = stored()
    assert message.routing_key == "event.created"
    assert message.properties.type == "event.created"
    assert message.properties.content_type == "application/json"
    assert message.properties.delivery_mode == 2, "persistent"
    assert UUID(message.properties.message_id) == UUID(row.message_id)
    assert before <= message.properties.timestamp <= after
    assert isinstance(json.loads(message.body)["price"], int)


def test_while_the_broker_refuses_an_event_is_created_and_its_message_kept(
    client: Client, proxy: TcpProxy
) -> None:
    proxy.cut()

    create(client)

    assert pending() == 1


def test_a_hanging_broker_delays_only_one_request(
    client: Client, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_commit, "PUBLISH_SECONDS", 1.5)
    proxy.freeze()
    first = create(client)
    assert first >= after_commit.PUBLISH_SECONDS, "the control: this one did wait"

    others = [create(client) for _ in range(20)]

    assert max(others) < after_commit.PUBLISH_SECONDS
    assert pending() == 21


def test_when_the_broker_is_back_a_request_publishes_what_is_pending_in_order(
    client: Client, proxy: TcpProxy, broker: Broker
) -> None:
    proxy.cut()
    for number in range(3):
        add(number)
    create(client)
    proxy.mend()

    create_until_published(client)

    bodies = [json.loads(message.body) for message in broker.take_all()]
    firsts = [body["number"] for body in bodies if "number" in body]
    assert list(dict.fromkeys(firsts)) == [0, 1, 2]


def test_a_failure_is_logged_and_does_not_affect_the_client(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut()
    create(client)

    assert "left the outbox to the relay" in caplog.text


def test_a_message_that_no_queue_takes_stays_pending_while_others_are_published(
    broker: Broker, publisher: Publisher
) -> None:
    add(1, key="one", routing_key="nobody.listens")
    add(2, key="two")

    with pytest.raises(Unroutable, match=r"nobody\.listens"):
        publish_pending(publisher, wait=True)

    assert pending() == 1
    assert numbers(broker) == [2]


def test_a_message_that_no_queue_takes_for_a_minute_is_set_aside(
    broker: Broker, publisher: Publisher
) -> None:
    add(1, key="one", routing_key="nobody.listens")
    for _ in range(3):
        with pytest.raises(Unroutable):
            publish_pending(publisher, wait=True)
    assert set_aside() == {}, "an operator may have deleted a queue, and it comes back"

    OutboxEntry.objects.update(unroutable_since=timezone.now() - timedelta(seconds=61))
    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True)

    assert "no queue takes nobody.listens" in set_aside()[1]
    assert publish_pending(publisher, wait=True) == 0


def test_more_unroutable_messages_than_fit_in_a_batch_do_not_block_others_forever(
    broker: Broker, publisher: Publisher
) -> None:
    for number in range(5):
        add(number, key=f"key-{number}", routing_key="nobody.listens")
    add(7, key="seven")
    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True, limit=5)
    OutboxEntry.objects.filter(unroutable_since__isnull=False).update(
        unroutable_since=timezone.now() - timedelta(seconds=61)
    )
    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True, limit=5)

    assert publish_pending(publisher, wait=True, limit=5) == 1
    assert numbers(broker) == [7]


BAD = {
    "a key of more than 255 bytes": {"routing_key": "ไ" * 255},
    "a header of a type that AMQP lacks": {"headers": '{"x": 1.5}'},
    "headers that are no JSON": {"headers": "{"},
    "headers larger than a frame": {"headers": json.dumps({"x": "y" * 200_000})},
}


@pytest.mark.parametrize("together", [False, True], ids=["on its own", "in one entry"])
@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_a_message_that_can_not_be_published_is_set_aside_and_its_neighbours_go_on(
    fields: dict[str, str],
    together: bool,
    broker: Broker,
    publisher: Publisher,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Of one key: the full state follows, so none of them has to wait for the one before.
    if together:
        add_together([1, 2, 3])
    else:
        for number in (1, 2, 3):
            add(number)
    ids = [message.message_id for message in stored()]
    rewrite(stored()[1], **fields)

    def emptied() -> bool:
        # The broker refuses one of several: then they are tried one by one.
        with contextlib.suppress(BrokerUnavailable):
            publish_pending(publisher, wait=True)
        return pending() == len(set_aside_ids()) == 1

    until(emptied, "an outbox without pending messages", seconds=60)

    arrived = {
        message.properties.message_id: json.loads(message.body)["number"]
        for message in broker.take_all()
    }
    assert arrived == {ids[0]: 1, ids[2]: 3}, "each with the id that it was stored with"
    assert set_aside_ids() == [ids[1]]
    assert outbox_status().set_aside == 1
    assert "is set aside" in caplog.text


def test_an_entry_for_an_exchange_that_is_not_there_is_set_aside_message_by_message(
    broker: Broker, publisher: Publisher
) -> None:
    add_together([1, 2])
    OutboxEntry.objects.update(exchange="nowhere")
    add(3)

    def emptied() -> bool:
        with contextlib.suppress(BrokerUnavailable):
            publish_pending(publisher, wait=True)
        return not [row for row in unpublished() if row.set_aside_at is None]

    until(emptied, "an outbox without pending messages", seconds=60)

    assert [row.body["number"] for row in unpublished()] == [1, 2]
    assert set(numbers(broker)) == {3}


def test_a_line_that_lacks_fields_is_set_aside_and_its_neighbours_go_on(
    broker: Broker, publisher: Publisher
) -> None:
    add_together([1, 2, 3])
    entry = OutboxEntry.objects.get()
    first, _, last = entry.messages.split("\n")
    OutboxEntry.objects.update(messages=f"{first}\nby hand\n{last}")

    assert publish_pending(publisher, wait=True) == 2

    assert numbers(broker) == [1, 3]
    aside = OutboxEntry.objects.get(set_aside_at__isnull=False)
    assert (aside.messages, aside.size) == ("by hand", 1)
    assert "lacks fields" in run("outbox_set_aside")


def test_what_no_queue_takes_waits_with_what_follows_it_and_the_rest_of_its_entry_goes_on(
    broker: Broker, publisher: Publisher
) -> None:
    add_together([1, 2, 3, 4], keys=["one", "two", "one", "three"])
    rewrite(stored()[0], routing_key="nobody.listens")

    with pytest.raises(Unroutable, match=r"nobody\.listens"):
        publish_pending(publisher, wait=True)

    assert [row.body["number"] for row in unpublished()] == [1, 3]
    assert outbox_status().pending == 2
    OutboxEntry.objects.filter(published_at=None).update(
        unroutable_since=timezone.now() - timedelta(seconds=61)
    )
    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True)

    assert set_aside().keys() == {1}
    assert pending() == 1
    assert numbers(broker) == [2, 3, 4, 3], "the last delivery of each key is in order"
    assert publish_pending(publisher, wait=True) == 0


def test_messages_that_were_set_aside_are_listed_and_can_be_tried_again(
    broker: Broker, publisher: Publisher
) -> None:
    add(1)
    [message] = stored()
    rewrite(message, headers='{"x": 1.5}')
    assert publish_pending(publisher, wait=True) == 0
    assert outbox_status().pending == 0
    assert outbox_status().set_aside == 1
    listed = run("outbox_set_aside")
    assert message.message_id in listed
    assert "can't be encoded" in listed
    assert listed.endswith("1 messages are set aside\n")
    [message] = stored()
    rewrite(message, headers="{}")

    assert run("outbox_set_aside", "--retry") == "1 messages are pending again\n"

    assert publish_pending(publisher, wait=True) == 1
    assert numbers(broker) == [1]


def run(*command: str) -> str:
    output = StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()


def set_aside_ids() -> list[str]:
    rows = OutboxEntry.objects.filter(set_aside_at__isnull=False)
    return [row.messages.split("\t")[0] for row in rows]


def set_aside() -> dict[int, str]:
    """The failure of each."""
    return {row.body["number"]: row.failure for row in stored() if row.set_aside_at}


def test_messages_after_a_failed_one_of_their_key_are_published_again_after_it(
    broker: Broker, publisher: Publisher
) -> None:
    """So that the last delivery of each is in order: a duplicate is better than a gap."""
    add(1, key="one", routing_key="nobody.listens")
    add(2, key="one")

    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True)
    assert pending() == 2

    rewrite(stored()[0], routing_key="event.updated")
    assert publish_pending(publisher, wait=True) == 2
    assert numbers(broker) == [2, 1, 2]


def test_nothing_is_marked_while_the_broker_is_away(broker: Broker) -> None:
    add()
    unreachable = Publisher("amqp://guest:guest@127.0.0.1:1/", timeout=PATIENCE_SECONDS)

    with pytest.raises(BrokerUnavailable):
        publish_pending(unreachable, wait=True)

    unreachable.close()
    assert pending() == 1


def test_pending_messages_are_published_oldest_first_up_to_the_limit(
    broker: Broker, publisher: Publisher
) -> None:
    for number in range(5):
        add(number)

    assert publish_pending(publisher, wait=True, limit=3) == 3
    assert numbers(broker) == [0, 1, 2]
    assert publish_pending(publisher, wait=True) == 2
    assert publish_pending(publisher, wait=True) == 0
    assert numbers(broker) == [3, 4]


def test_old_published_messages_are_pruned_and_pending_ones_are_not(publisher: Publisher) -> None:
    OutboxEntry.objects.all().delete()
    for _ in range(3):
        add()
    oldest, newer, _ = OutboxEntry.objects.order_by("pk")
    now = timezone.now()
    OutboxEntry.objects.filter(pk=oldest.pk).update(published_at=now - timedelta(hours=25))
    OutboxEntry.objects.filter(pk=newer.pk).update(published_at=now - timedelta(hours=23))

    assert prune_published(older_than=timedelta(hours=24)) == 1

    assert not OutboxEntry.objects.filter(pk=oldest.pk).exists()
    assert OutboxEntry.objects.count() == 2
