"""An event and its message are both stored, or neither is."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import serializers
from django.db import transaction
from django.test import Client

from event_project.events.messages import event_message
from event_project.events.models import Event
from event_project.events.services import event_create
from shared.outbox import after_commit, sql
from shared.outbox.services import NewMessage, outbox_add
from tests.support.event.factories import EventFactory
from tests.support.event.http import VALID, post, valid
from tests.support.outbox import stored, unpublished

pytestmark = pytest.mark.django_db

MESSAGE = NewMessage(
    exchange="events",
    routing_key="event.created",
    ordering_key="event-1",
    headers={"a": "b"},
    body={"id": 1},
)


def arguments() -> dict[str, Any]:
    event = EventFactory.build()
    names = ("name", "max_seats", "booking_start_at", "booking_end_at")
    return {name: getattr(event, name) for name in names}


def test_a_created_event_stores_its_message_pending(client: Client) -> None:
    response = post(client, VALID)

    [row] = stored()
    assert (row.exchange, row.routing_key) == ("events", "event.created")
    assert row.published_at is None
    assert row.body == response.json()
    assert row.body == event_message(Event.objects.get())


def test_a_refused_event_stores_no_message(client: Client) -> None:
    post(client, valid(max_seats=0))

    assert not stored()


def test_a_rolled_back_event_leaves_no_message() -> None:
    @transaction.atomic
    def create_and_fail() -> None:
        event_create(**arguments())
        assert len(stored()) == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create_and_fail()

    assert not Event.objects.exists()
    assert not stored()


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_message_cannot_be_stored_is_not_created(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sql, "insert_and_notify", fail)
    with pytest.raises(ZeroDivisionError):
        event_create(**arguments())

    assert not Event.objects.exists()


def test_a_loaded_fixture_announces_nothing() -> None:
    now = datetime.now(UTC)
    text = serializers.serialize(
        "json", [EventFactory.build(pk=77, created_at=now, updated_at=now)]
    )

    for loaded in serializers.deserialize("json", text):
        loaded.save()

    assert Event.objects.get().pk == 77
    assert not stored()


@pytest.mark.django_db(transaction=True)
def test_a_message_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        outbox_add([MESSAGE])

    assert not stored()


def test_messages_are_stored_in_their_order_each_with_its_own_id() -> None:
    with transaction.atomic():
        outbox_add([dataclasses.replace(MESSAGE, body={"number": n}) for n in range(100)])

    rows = stored()
    assert [row.body for row in rows] == [{"number": n} for n in range(100)]
    assert len({row.message_id for row in rows}) == 100
    assert {(row.ordering_key, row.headers["a"]) for row in rows} == {("event-1", "b")}


def test_without_messages_no_row_is_added() -> None:
    outbox_add([])

    assert not stored()


@pytest.mark.django_db(transaction=True)
def test_a_message_is_offered_to_the_broker_only_after_the_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: list[bool] = []

    def publish_pending(_: object, *, wait: bool) -> int:
        offered.append(transaction.get_connection().in_atomic_block)
        return 1

    monkeypatch.setattr(after_commit, "publish_pending", publish_pending)
    with transaction.atomic():
        event_create(**arguments())
        assert offered == []

    assert offered == [False]


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_fails_before_ours_loses_no_message() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    @transaction.atomic
    def create() -> None:
        transaction.on_commit(fail)
        event_create(**arguments())

    with pytest.raises(ZeroDivisionError):
        create()

    assert Event.objects.count() == 1
    assert len(unpublished()) == 1
