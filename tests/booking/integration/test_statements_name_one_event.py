"""With `BOOKING_DISTRIBUTION=citus`, each statement on the hot paths names the one event that it is
about. A database that is distributed by event sends it to the one node that has the event."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import EventNews, event_sync, events_sync
from booking_project.bookings.storage.about_events import AboutEvents
from booking_project.bookings.storage.loaders import booking_load_in_line, event_load
from booking_project.bookings.storage.sql import events_by_id
from tests.support.booking.commands import create, decided, decided_where_free, to_book, to_cancel
from tests.support.booking.factories import (
    EventFactory,
    EventStateFactory,
    announced,
    booked,
    now,
    users,
)

pytestmark = pytest.mark.django_db(transaction=True)

# These hold what belongs to an event. All others are on one node, or on each.
OF_EVENTS = "bookings_(?:event|booking|historyentry)"
TABLE = re.compile(rf'\b(?:FROM|JOIN|UPDATE|INTO) "?{OF_EVENTS}"?(?![\w"])')
NAMED = re.compile(
    r'(?:"?\bevent_id"?|(?:"bookings_event"|\bbookings_event|\bevent)\."?id"?) = (\d+)\b'
)
# The first column of what is inserted: the events, or the ids of the copies of events.
INSERTED = re.compile(
    rf'INSERT INTO "?{OF_EVENTS}"? \((?:event_id|id),.*?unnest\(\'{{([\d,]+)}}\'::bigint\[\]', re.S
)
# The same, row by row.
ROWS = re.compile(rf'INSERT INTO "?{OF_EVENTS}"? \(event_id,[^)]*\)\s*VALUES (.*)', re.S)
# A booking is asked for by its id, before its event is known.
BY_ID = re.compile(
    r"^SELECT (?:id, event_id|bookings_booking\.id, .*) FROM bookings_booking"
    r" WHERE id = ANY\('\{[\d,]+\}'::bigint\[\]\)$",
    re.S,
)


def named_events(statement: str) -> list[str]:
    """One for each table of events in the statement, if each has a condition of its own."""
    inserted = [ids for each in INSERTED.findall(statement) for ids in {*each.split(",")}]
    by_row = {row for rows in ROWS.findall(statement) for row in re.findall(r"\((\d+), ", rows)}
    return [*NAMED.findall(statement), *inserted, *by_row]


def assert_names_one_event(statement: str) -> None:
    tables = TABLE.findall(statement)
    if not tables or BY_ID.match(statement):
        return
    named = named_events(statement)
    assert len({*named}) == 1, statement
    assert len(named) >= len(tables), statement
    assert not re.search(r"\b(?:event_id|event\"?\.\"?id)\"? (?:IN|= ANY)", statement), statement


@contextmanager
def only_one_event_named() -> Iterator[list[str]]:
    """In each statement that this connection executes. There must be some about events."""
    with CaptureQueriesContext(connection) as queries:
        statements: list[str] = []
        yield statements
    for query in queries:
        statements += [each.strip() for each in query["sql"].split("; ")]
    assert any(TABLE.search(each) for each in statements)
    for each in statements:
        assert_names_one_event(each)


@pytest.fixture(autouse=True)
def _events_kept_apart(settings) -> None:
    settings.ADMISSION_GROUPING = "event"
    settings.DISTRIBUTED = True


@pytest.fixture
def event() -> Event:
    EventFactory.create_batch(2)
    created: Event = EventFactory(max_seats=2, waitlist_limit=3)
    return created


def test_a_batch_of_bookings_and_cancellations(event: Event) -> None:
    first, *_ = booked(event, users(3))

    with only_one_event_named():
        decided(
            event.pk,
            [to_book(event.pk, "ann"), to_cancel(event.pk, first.pk), to_book(event.pk, "bob")],
        )
        decided_where_free([to_book(event.pk, "cid")])

    assert Booking.objects.filter(event=event).count() == 6


def test_one_that_is_refused_without_a_lock(event: Event) -> None:
    booked(event, users(5))

    def refused(client: Client) -> object:
        return client.post(
            f"/api/v1/events/{event.pk}/bookings", {"user_id": "late"}, "application/json"
        )

    with only_one_event_named() as statements:
        assert refused(Client()).status_code == 409

    assert not any("FOR UPDATE" in each for each in statements)


def test_booking_and_cancelling_through_the_queues(event: Event) -> None:
    with only_one_event_named() as statements:
        booking = create(event_id=event.pk, user_id="ann")
        booking_cancel(booking_id=booking.pk)

    assert sum("FOR UPDATE" in each for each in statements) == 2


def test_what_is_read(event: Event, client: Client) -> None:
    *_, waiting = booked(event, users(4))
    paths = [
        f"/api/v1/events/{event.pk}/status",
        f"/api/v1/events/{event.pk}/bookings?limit=1",
        *(f"/api/v1/events/{event.pk}/bookings?status={each}" for each in BookingStatus.values),
        f"/api/v1/bookings/{waiting.pk}",
    ]

    with only_one_event_named():
        for path in paths:
            assert client.get(path).status_code == 200
        shown = booking_load_in_line(booking_id=waiting.pk)

    assert shown.waitlist_position == 2


def test_the_next_page_of_a_list(event: Event, client: Client) -> None:
    booked(event, users(4))
    first = client.get(f"/api/v1/events/{event.pk}/bookings?limit=2")
    following = first.headers["Link"].split(">")[0].removeprefix("<")

    with only_one_event_named():
        second = client.get(following)

    assert [each["user_id"] for each in second.json()] == users(4)[2:]


def test_events_that_are_read_at_the_same_moment() -> None:
    events = EventFactory.create_batch(3)

    with only_one_event_named() as statements:
        found = events_by_id({event.pk for event in events})
        event_load(event_id=events[0].pk)

    assert {*found} == {event.pk for event in events}
    assert sum("bookings_event" in each for each in statements) == 4


def test_a_new_event_and_its_changes(event: Event) -> None:
    booked(event, users(5))

    with only_one_event_named():
        events_sync([EventNews(state=EventStateFactory(id=1000))])
        events_sync([EventNews(state=announced(event, name="New"))])
        event.refresh_from_db()
        event_sync(announced(event, max_seats=4))

    assert Booking.objects.filter(status=BookingStatus.CONFIRMED).count() == 4


def test_batches() -> None:
    event = EventFactory(max_seats=2, waitlist_limit=3)
    booked(event, users(5))
    event_sync(announced(event, cancelled_at=now()))

    with CaptureQueriesContext(connection) as queries:
        assert do_next_batch() == event.pk

    found, *rest = [each.strip() for query in queries for each in query["sql"].split("; ")]
    assert "cancellation_pending" in found  # looks for the next event in all of them
    for each in rest:
        assert_names_one_event(each)
    assert not Booking.objects.exclude(status=BookingStatus.CANCELLED).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM bookings_booking WHERE user_id = 'ann'",
        "SELECT id FROM bookings_booking WHERE event_id = ANY('{5,6}'::bigint[])",
        "SELECT 1 FROM bookings_event JOIN bookings_booking ON true WHERE bookings_event.id = 5",
        'SELECT 1 FROM "bookings_booking" WHERE "bookings_booking"."event_id" IN (5, 0)',
        "INSERT INTO bookings_booking (event_id, a) SELECT * FROM unnest('{5,6}'::bigint[])",
    ],
)
def test_a_statement_that_names_no_event_or_several_is_found(statement: str) -> None:
    with pytest.raises(AssertionError):
        assert_names_one_event(statement)


@pytest.mark.parametrize(
    ("event_ids", "sql", "parameters"),
    [
        ([5], "a = 1 AND event = %s AND b = 2 AND id = %s", [1, 5, 2, 5]),
        ([5, 6], "a = 1  AND b = 2 AND id = ANY(%s)", [1, 2, "{5,6}"]),
        ([], "a = 1  AND b = 2 AND id = ANY(%s)", [1, 2, "{}"]),
    ],
)
def test_marks(event_ids: list[int], sql: str, parameters: list[object]) -> None:
    statement = AboutEvents("a = 1 [[AND event = %s|]] AND b = 2 AND [[id = %s|id = ANY(%s)]]")

    assert statement.statement(event_ids, [1], [2]) == (sql, parameters)
