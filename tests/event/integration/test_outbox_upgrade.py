"""From a row for each message to an entry for each transaction, and back, during a sale."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from shared.messaging.publisher import Publisher
from shared.outbox.models import OutboxEntry, OutboxMessage
from shared.outbox.services import NewMessage, outbox_add, prune_published, publish_pending
from shared.outbox.status import outbox_status
from tests.support.broker import Broker
from tests.support.outbox import stored, unpublished
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(broker.url, timeout=PATIENCE_SECONDS)
    yield publisher
    publisher.close()


@pytest.fixture
def migrated() -> Iterator[None]:
    """The newest tables again, whatever the test does to them."""
    yield
    call_command("migrate", "outbox", verbosity=0)


def add_as_before(number: int, *, key: str = "event-1") -> OutboxMessage:
    """What the earlier code does, down to the JSON that it stores."""
    return OutboxMessage.objects.create(
        exchange="events",
        routing_key="event.updated",
        ordering_key=key,
        headers={"x-republished": "true"},
        body={"number": number, "name": "a\ttab, a\nbreak and ไทย"},
    )


def add(*numbers: int) -> None:
    with transaction.atomic():
        outbox_add(
            [
                NewMessage(
                    exchange="events",
                    routing_key="event.updated",
                    ordering_key="event-1",
                    body={"number": number},
                )
                for number in numbers
            ]
        )


def numbers(broker: Broker) -> list[int]:
    return [json.loads(message.body)["number"] for message in broker.take_all()]


def test_pending_rows_survive_the_migration_with_their_ids_and_their_place(
    broker: Broker, publisher: Publisher, migrated: None
) -> None:
    call_command("migrate", "outbox", "0002", verbosity=0)
    insert = """INSERT INTO outbox_outboxmessage
        (message_id, exchange, routing_key, ordering_key, headers, body, published_at)
        VALUES (gen_random_uuid(), 'events', 'event.updated', 'event-1',
                '{"x-republished": "true"}', jsonb_build_object('number', %s::int), %s)
        RETURNING message_id::text"""
    ids = []
    with connection.cursor() as cursor:
        for number, published_at in ((0, timezone.now()), (1, None), (2, None)):
            cursor.execute(insert, [number, published_at])
            ids += cursor.fetchone()
    call_command("migrate", "outbox", verbosity=0)
    add(3)
    assert outbox_status().pending == 3

    assert publish_pending(publisher, wait=True) == 3

    arrived = list(broker.take_all())
    assert [json.loads(message.body) for message in arrived] == [{"number": n} for n in (1, 2, 3)]
    assert [message.properties.message_id for message in arrived[:2]] == ids[1:]
    assert arrived[0].properties.headers["x-republished"] == "true"
    assert outbox_status().pending == 0


def test_old_and_new_processes_write_at_once_and_the_order_holds(
    broker: Broker, publisher: Publisher
) -> None:
    add_as_before(1)
    add(2, 3)
    old = add_as_before(4)
    add(5)

    assert publish_pending(publisher, wait=True) == 5

    arrived = list(broker.take_all())
    assert [json.loads(message.body)["number"] for message in arrived] == [1, 2, 3, 4, 5]
    assert json.loads(arrived[3].body) == old.body
    assert arrived[3].properties.message_id == str(old.message_id)
    assert publish_pending(publisher, wait=True) == 0


def test_what_was_set_aside_before_is_listed_and_can_be_tried_again(
    broker: Broker, publisher: Publisher
) -> None:
    old = add_as_before(1)
    old.set_aside_at, old.failure = timezone.now(), "no queue"
    old.save()

    assert publish_pending(publisher, wait=True) == 0

    [aside] = unpublished()
    assert (aside.message_id, aside.failure) == (str(old.message_id), "no queue")
    call_command("outbox_set_aside", "--retry")
    assert publish_pending(publisher, wait=True) == 1
    assert numbers(broker) == [1]


def test_the_way_back_keeps_what_is_pending_in_its_order(migrated: None) -> None:
    add(1, 2)
    add(3)
    OutboxEntry.objects.filter(size=1).update(set_aside_at=timezone.now(), failure="no queue")
    add(4)
    ids = [message.message_id for message in stored()]

    call_command("migrate", "outbox", "0002", verbosity=0)

    rows = OutboxMessage.objects.order_by("pk")
    assert [row.body["number"] for row in rows] == [1, 2, 3, 4]
    assert [str(row.message_id) for row in rows] == ids
    assert [row.failure for row in rows] == ["", "", "no queue", ""]


def test_published_rows_of_both_forms_are_pruned() -> None:
    add_as_before(1)
    add(2)
    for model in (OutboxMessage, OutboxEntry):
        model.objects.update(published_at=timezone.now() - timedelta(hours=25))

    assert prune_published(older_than=timedelta(hours=24)) == 2

    assert not OutboxMessage.objects.exists()
    assert not OutboxEntry.objects.exists()
