"""`manage_event.py republish_events` announces events again."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from event_project.events import republishing
from event_project.events.messages import event_message
from event_project.events.models import Event
from event_project.events.services import event_cancel, event_update
from tests.support.broker import Broker
from tests.support.event.factories import EventFactory, rows
from tests.support.event.messages import announced, forget
from tests.support.outbox import stored

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def events() -> list[Event]:
    """Changed at eleven, at noon and at one; versions 1, 2 and 1."""
    created: list[Event] = EventFactory.create_batch(3)
    event_update(event_id=created[1].pk, changes={"name": "Changed"})
    for event, hours in zip(created, (-1, 0, 1), strict=True):
        rows().filter(pk=event.pk).update(updated_at=NOON + timedelta(hours=hours))
    forget()
    return created


def republish(*arguments: object) -> str:
    out = StringIO()
    call_command("republish_events", *map(str, arguments), stdout=out)
    return out.getvalue()


def told() -> list[int]:
    return [event_id for _, event_id, _ in announced()]


def test_all_events_are_announced_as_they_are_without_being_changed(events: list[Event]) -> None:
    event_cancel(event_id=events[2].pk)
    forget()
    before = list(Event.objects.values())

    assert republish() == "stored messages of 3 events\n"

    assert list(Event.objects.values()) == before
    assert announced() == [
        ("event.updated", events[0].pk, 1),
        ("event.updated", events[1].pk, 2),
        ("event.cancelled", events[2].pk, 2),
    ]
    for row, event in zip(stored(), Event.objects.all(), strict=True):
        assert row.body == event_message(event)
        assert row.headers["x-republished"] == "true"
        assert (row.exchange, row.ordering_key) == ("events", f"event-{event.pk}")


@pytest.mark.parametrize(("arguments", "forced"), [([], None), (["--force"], "true")])
def test_only_forced_messages_say_so(
    events: list[Event], arguments: list[str], forced: str | None
) -> None:
    republish("--ids", events[0].pk, *arguments)

    [row] = stored()
    assert row.headers["x-republished"] == "true"
    assert row.headers.get("x-forced") == forced


def test_an_ordinary_message_does_not_claim_to_be_republished(events: list[Event]) -> None:
    events[0].save()

    [row] = stored()
    assert "x-republished" not in row.headers


@pytest.mark.parametrize("form", ["{0},{2}", "{2} {0}", "{0}, {2}", "{0},{2},{0}"])
def test_ids_may_be_separated_by_commas_or_spaces(events: list[Event], form: str) -> None:
    text = form.format(*(event.pk for event in events))

    assert republish("--ids", *text.split(" ")) == "stored messages of 2 events\n"

    assert told() == [events[0].pk, events[2].pk]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-02-01T12:00:00Z", [1, 2]),
        ("2026-02-01T19:00:00+07:00", [1, 2]),
        ("2026-02-01T12:00:00.000001Z", [2]),
        ("2030-01-01T00:00:00Z", []),
    ],
)
def test_only_events_changed_then_or_later(
    events: list[Event], since: str, expected: list[int]
) -> None:
    assert republish("--since", since) == f"stored messages of {len(expected)} events\n"

    assert told() == [events[number].pk for number in expected]


def test_with_ids_and_a_time_both_must_match(events: list[Event]) -> None:
    republish("--since", "2026-02-01T12:00:00Z", "--ids", events[0].pk, events[1].pk)

    assert told() == [events[1].pk]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "2026-02-01T12:00:00"], "RFC 3339 with an offset"),
        (["--since", "yesterday"], "RFC 3339 with an offset"),
        (["--since", "2026-02-31T12:00:00Z"], "RFC 3339 with an offset"),
        (["--since", ""], "RFC 3339 with an offset"),
        (["--ids", "{0}", "999999"], "no such event: 999999"),
        (["--ids", "{0},888888,999999"], "no such event: 888888, 999999"),
        (["--ids", "9" * 19], "no such event"),
        (["--ids", "9" * 30], "not an event's id"),
        (["--ids", "{0}", "x"], "not an event's id: x"),
        (["--ids", "0"], "not an event's id: 0"),
        (["--ids", ","], "must name an event"),
    ],
)
def test_a_bad_argument_gets_one_sentence_and_stores_nothing(
    events: list[Event], arguments: list[str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        republish(*(argument.format(events[0].pk) for argument in arguments))

    assert announced() == []


def test_a_batch_is_one_transaction_that_holds_its_rows_in_the_order_of_ids(
    events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "REPUBLISH_BATCH", 2)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert republish() == "stored messages of 3 events\n"

    locking = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    assert len(locking) == 3, "two batches, and one that finds nothing"
    assert all('ORDER BY "events_event"."id" ASC LIMIT 2 FOR UPDATE' in sql for sql in locking)
    assert told() == [event.pk for event in events]


@pytest.mark.django_db(transaction=True)
def test_stored_batches_stay_stored_if_a_later_one_fails(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = EventFactory.create_batch(3)
    forget()
    monkeypatch.setattr(republishing, "REPUBLISH_BATCH", 2)
    add: Callable[..., None] = republishing.outbox_add

    def fail_at_the_third(messages: list[Any]) -> None:
        add(messages)
        if messages[0].body["id"] == events[2].pk:
            raise ZeroDivisionError

    monkeypatch.setattr(republishing, "outbox_add", fail_at_the_third)
    with pytest.raises(ZeroDivisionError):
        republish()

    assert told() == [events[0].pk, events[1].pk]


@pytest.mark.django_db(transaction=True)
def test_republished_messages_reach_the_broker_and_are_marked(broker: Broker) -> None:
    event = EventFactory.create()
    broker.wait_for_message()

    republish("--ids", event.pk)

    message = broker.wait_for_message()
    assert message.routing_key == "event.updated"
    assert message.properties.headers["x-republished"] == "true"


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stderr", "shown"), [(_Terminal(), True), (StringIO(), False)])
def test_progress_is_shown_only_on_a_terminal(
    events: list[Event], monkeypatch: pytest.MonkeyPatch, stderr: StringIO, shown: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)

    republish()

    assert ("3/3" in stderr.getvalue()) is shown
