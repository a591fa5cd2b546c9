"""From the bytes of a message to the copy of an event."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from booking_project.bookings import handlers
from booking_project.bookings.handlers import PendingBatches, handle_event_messages
from booking_project.bookings.models import DESCRIPTIVE, Booking, BookingStatus, Event
from shared.messaging.errors import BadMessage, HandlerUnavailable, TryLater
from shared.messaging.incoming import IncomingMessage
from tests.support.booking.factories import EventFactory, booked
from tests.support.booking.held_rows import database_patience, held
from tests.support.booking.soundness import unsound
from tests.support.waiting import BRIEF_SECONDS

# As older versions of the event service announce it.
EVENT: dict[str, Any] = {
    "id": 7,
    "name": "Golang Workshop Bangkok",
    "max_seats": 50,
    "waitlist_limit": 5,
    "price": 2500.5,
    "booking_start_at": "2026-02-20T17:00:00+07:00",
    "booking_end_at": "2026-02-25T10:00:00Z",
    "created_at": "2026-02-01T00:00:00.123456Z",
    "updated_at": "2026-02-01T00:00:00.123456Z",
    "version": 1,
    "cancelled_at": None,
}


DESCRIBED: dict[str, Any] = {
    **EVENT,
    "description": 'Two *days*\nof "Go" \\ {ไทย}',
    "venue": "BITEC, Bangkok",
    "starts_at": "2026-03-07T09:00:00+07:00",
    "ends_at": "2026-03-08T17:00:00+07:00",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
}


def handle(body: bytes | dict[str, Any], **headers: str) -> None:
    """Alone, as the consumer does it last."""
    message = message_of(body, **headers)
    failure = handle_event_messages([message]).get(message)
    if failure is not None:
        raise failure


def description_of(event_id: int) -> list[Any]:
    return list(Event.objects.values_list(*DESCRIPTIVE).get(pk=event_id))


def message_of(body: bytes | dict[str, Any], **headers: str) -> IncomingMessage:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return IncomingMessage(message_id="m-1", routing_key="event.created", headers=headers, body=raw)


@pytest.mark.django_db(transaction=True)  # the handler gives its connection back
class TestGoodNews:
    def test_is_copied(self) -> None:
        handle(EVENT)

        event = Event.objects.get(pk=7)
        assert event.name == "Golang Workshop Bangkok"
        assert (event.max_seats, event.waitlist_limit, event.version) == (50, 5, 1)
        assert str(event.price) == "2500.50"
        assert event.booking_start_at.isoformat() == "2026-02-20T10:00:00+00:00"
        assert event.created_at.microsecond == 123456
        assert event.cancelled_at is None

    def test_without_a_description_means_the_defaults(self) -> None:
        handle(EVENT)

        assert description_of(7) == [None, None, None, None, "Asia/Bangkok", "THB"]

    def test_copies_what_describes_the_event(self) -> None:
        handle(DESCRIBED)

        assert description_of(7) == [
            DESCRIBED["description"],
            "BITEC, Bangkok",
            datetime(2026, 3, 7, 2, 0, tzinfo=UTC),
            datetime(2026, 3, 8, 10, 0, tzinfo=UTC),
            "Europe/Berlin",
            "EUR",
        ]

    @pytest.mark.parametrize("waiting", [False, True], ids=["in a batch", "by itself"])
    def test_changes_what_describes_the_event(self, waiting: bool) -> None:
        event = EventFactory(id=7, max_seats=1, venue="elsewhere")
        if waiting:
            booked(event, ["ann", "ben"])

        handle({**DESCRIBED, "version": 2})
        assert description_of(7)[1] == "BITEC, Bangkok"
        handle({**EVENT, "version": 3, "description": None})
        assert description_of(7) == [None, None, None, None, "Asia/Bangkok", "THB"]

    def test_that_is_published_again_repairs_a_description(self) -> None:
        handle(EVENT)
        handle(DESCRIBED)
        assert description_of(7)[1] is None, "the control: an equal version is ignored"

        handle(DESCRIBED, **{"x-republished": "true"})

        assert description_of(7)[1] == "BITEC, Bangkok"

    def test_may_come_twice_and_late(self) -> None:
        handle({**EVENT, "version": 2, "name": "newer"})
        handle({**EVENT, "version": 2, "name": "newer"})
        handle(EVENT)

        assert Event.objects.get().name == "newer"

    def test_of_an_equal_version_repairs_a_copy_only_when_it_is_published_again(self) -> None:
        handle(EVENT)
        handle({**EVENT, "name": "not new"})
        handle({**EVENT, "name": "not new"}, **{"x-republished": "false"})
        assert Event.objects.get().name == EVENT["name"]

        handle({**EVENT, "name": "the original"}, **{"x-republished": "true"})
        assert Event.objects.get().name == "the original"

    @pytest.mark.parametrize("known", [0, 3])
    def test_of_a_million_changes_at_once_is_refused(self, known: int) -> None:
        if known:
            handle({**EVENT, "version": known})

        with pytest.raises(BadMessage, match=f"can't follow version {known}"):
            handle({**EVENT, "version": known + 1_000_001, "name": "poison"})

        assert list(Event.objects.values_list("version", flat=True)) == ([known] if known else [])
        handle({**EVENT, "version": known + 1_000_000})
        assert Event.objects.get().version == known + 1_000_000

    def test_that_is_forced_replaces_a_copy_of_any_version(self) -> None:
        event = EventFactory(id=7, version=2**31 - 1, max_seats=1, name="poison")
        booked(event, ["ann", "ben"])

        handle({**EVENT, "version": 5}, **{"x-republished": "true"})
        assert Event.objects.get().name == "poison", "the control: an older one is ignored"
        handle({**EVENT, "version": 5}, **{"x-republished": "true", "x-forced": "true"})

        assert Event.objects.get().version == 5
        assert Event.objects.get().name == EVENT["name"]
        assert unsound(7) == []
        handle({**EVENT, "version": 6, "name": "goes on"})
        assert Event.objects.get().name == "goes on"

    def test_that_is_republished_may_be_of_any_version(self) -> None:
        handle({**EVENT, "version": 3_000_000}, **{"x-republished": "true"})

        assert Event.objects.get().version == 3_000_000

    def test_may_have_unknown_fields(self) -> None:
        handle({**EVENT, "organiser": {"city": "Bangkok"}})

        assert Event.objects.count() == 1

    def test_of_a_cancellation_is_copied(self) -> None:
        handle(EVENT)
        handle({**EVENT, "version": 2, "cancelled_at": "2026-02-03T00:00:00Z"})

        assert Event.objects.get().cancelled_at is not None

    def test_of_more_seats_promotes(self) -> None:
        event = EventFactory(id=7, max_seats=1)
        _, waiting = booked(event, ["ann", "ben"])

        handle({**EVENT, "version": 2, "max_seats": 2})

        waiting.refresh_from_db()
        assert waiting.status == BookingStatus.CONFIRMED
        assert unsound(7) == []


NOT_JSON = {
    "nothing": b"",
    "no JSON": b"{'id': 7}",
    "no UTF-8": b'{"name": "\xff"}',
    "a key twice": json.dumps(EVENT).replace('"id": 7', '"id": 7, "id": 8').encode(),
    "NaN": json.dumps({**EVENT, "price": float("nan")}).encode(),
    "Infinity": json.dumps({**EVENT, "price": float("inf")}).encode(),
    "bottomless": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_a_bad_message(body: bytes) -> None:
    with pytest.raises(BadMessage, match=r"^not JSON: "):
        handle(body)


@pytest.mark.parametrize("body", [b"null", b"7", b'"event"', b"[]", b"{}"])
def test_anything_but_an_event_is_a_bad_message(body: bytes) -> None:
    with pytest.raises(BadMessage, match=r"^not an event: "):
        handle(body)


@pytest.mark.parametrize("field", EVENT)
def test_a_missing_field_is_named(field: str) -> None:
    body = {name: value for name, value in EVENT.items() if name != field}

    with pytest.raises(BadMessage, match=f"'{field}'.*required"):
        handle(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 0),
        ("id", -1),
        ("id", "7"),
        ("id", True),
        ("id", 7.5),
        ("id", 2**63),
        ("name", ""),
        ("name", 5),
        ("name", "x" * 256),
        ("name", "nul \x00"),
        ("max_seats", 0),
        ("max_seats", -5),
        ("max_seats", 2**31),
        ("max_seats", "50"),
        ("waitlist_limit", -1),
        ("waitlist_limit", None),
        ("price", -1),
        ("price", "2500"),
        ("price", 0.001),
        ("price", 10**11),
        ("booking_start_at", "2026-02-20T17:00:00"),
        ("booking_start_at", "2026-02-20"),
        ("booking_start_at", 1771581600),
        ("booking_end_at", "2026-02-30T17:00:00Z"),
        ("booking_end_at", None),
        ("version", 0),
        ("version", None),
        ("version", 2**31),
        ("cancelled_at", "yesterday"),
        ("cancelled_at", False),
        ("description", ""),
        ("description", "x" * 10_001),
        ("description", "a\x00b"),
        ("description", 5),
        ("venue", "x" * 256),
        ("venue", {"city": "Bangkok"}),
        ("starts_at", "2026-03-07"),
        ("ends_at", "tomorrow"),
        ("time_zone", None),
        ("time_zone", "Mars/Olympus"),
        ("currency", None),
        ("currency", "baht"),
    ],
)
def test_an_invalid_field_is_named(field: str, value: object) -> None:
    with pytest.raises(BadMessage, match=f"^not an event: .*'{field}'"):
        handle({**EVENT, field: value})


def test_an_event_that_ends_before_it_starts_is_a_bad_message() -> None:
    with pytest.raises(BadMessage, match="the event ends before it starts"):
        handle({**DESCRIBED, "ends_at": "2026-03-07T01:59:59Z"})


@pytest.mark.parametrize("field", ["id", "max_seats", "waitlist_limit", "version"])
def test_a_huge_number_in_a_few_bytes_is_refused_without_writing_it_out(field: str) -> None:
    """`1e900000000` would need a gigabyte of digits; this one takes half a minute."""
    body = json.dumps({**EVENT, field: 123456789}).replace("123456789", "1e1000000").encode()

    started = time.process_time()
    with pytest.raises(BadMessage, match=f"'{field}'"):
        handle(body)

    assert time.process_time() - started < 5


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_not_the_messages_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as away:
        away.setattr(connection, "ensure_connection", refuse)
        connection.close()
        with pytest.raises(HandlerUnavailable, match="connection refused"):
            handle(EVENT)
    assert Event.objects.count() == 0

    handle(EVENT)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_locked_row_makes_only_its_message_wait() -> None:
    EventFactory(id=7)
    EventFactory(id=8)
    with (
        database_patience(lock_seconds=BRIEF_SECONDS),
        held(Event(pk=7)),
        pytest.raises(TryLater, match="took too long"),
    ):
        handle({**EVENT, "version": 2})

    handle({**EVENT, "id": 8, "version": 2})
    handle({**EVENT, "version": 2})
    assert set(Event.objects.values_list("version", flat=True)) == {2}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / 0",  # DataError
        "SELECT no_such_function()",  # ProgrammingError
        "INSERT INTO bookings_booking (event_id) VALUES (1)",  # IntegrityError
    ],
)
def test_after_a_failure_inside_a_transaction_the_next_message_has_a_good_connection(
    statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        return True

    with monkeypatch.context() as broken:
        broken.setattr(handlers, "events_sync", fail)
        with pytest.raises(Exception) as raised:  # noqa: PT011 (the consumer counts its tries)
            handle(EVENT)
        assert not isinstance(raised.value, BadMessage | HandlerUnavailable)

    handle(EVENT)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestSpareTime:
    def test_is_used_for_batches_while_there_are_any(self) -> None:
        event = EventFactory(id=7)
        booked(event, ["ann"])
        pending = PendingBatches()
        assert pending.do_next() is False
        handle({**EVENT, "version": 2, "cancelled_at": "2026-02-03T00:00:00Z"})

        assert pending.do_next() is True
        assert pending.do_next() is False

        assert not Booking.objects.exclude(status=BookingStatus.CANCELLED).exists()

    def test_reports_a_database_outage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr(connection, "ensure_connection", refuse)
        connection.close()
        with pytest.raises(HandlerUnavailable, match="connection refused"):
            PendingBatches().do_next()
