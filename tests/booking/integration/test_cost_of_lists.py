"""A list reads only the page that it shows, however many bookings there are."""

import base64
from collections.abc import Sequence

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request

from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.representation import LISTED_FIELDS
from booking_project.bookings.selectors import booking_list, user_booking_list
from booking_project.bookings.storage.sql import facts_of, facts_statements
from shared.api.pagination import paged_response
from shared.db.index_ranges import IndexRange
from shared.db.round_trips import execute_together
from tests.support.booking.commands import to_book
from tests.support.booking.factories import EventFactory, booked, now, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import empty_tables, rows_read

pytestmark = [pytest.mark.django_db, on_one_server]

MANY = 800
OFTEN = 150
PAGE = 10
STATUSES = [None, *BookingStatus]


@pytest.fixture
def big() -> Event:
    """Many confirmed bookings, and ann, who has cancelled here and at another event many times."""
    empty_tables()
    event: Event = EventFactory(max_seats=2 * MANY)
    other = EventFactory(max_seats=2 * MANY)
    booked(event, users(MANY))
    for each in (event, other):
        _cancelled(each, "ann", OFTEN)
        booked(each, ["ann"])
    booked(other, users(5))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")
    return event


def _cancelled(event: Event, user_id: str, count: int) -> None:
    Booking.objects.bulk_create(
        Booking(
            event=event,
            user_id=user_id,
            status=BookingStatus.CANCELLED,
            created_at=now(),
            updated_at=now(),
        )
        for _ in range(count)
    )


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("user_id", [None, "ann", "user-001", "nobody"])
def test_of_an_event(big: Event, user_id: str | None, status: BookingStatus | None) -> None:
    bookings = booking_list(event_id=big.pk, user_id=user_id, status=status)
    own = None if user_id is None else Booking.objects.filter(user_id=user_id).count()
    reads_its_page(bookings, or_at_most=own)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("user_id", ["ann", "user-001", "nobody"])
def test_of_a_user(big: Event, user_id: str, status: BookingStatus | None) -> None:
    reads_its_page(user_booking_list(user_id=user_id, status=status))


def test_a_booking_reads_none_that_its_user_cancelled(big: Event) -> None:
    with CaptureQueriesContext(connection) as queries:
        facts = facts_of(execute_together(facts_statements([to_book(big.pk, "ann")])))

    assert facts.active_users == {big.pk: {"ann"}}
    assert rows_read(queries[0]["sql"]) == 1


def test_of_the_newest_event_from_any_place(big: Event) -> None:
    """All of its ids come after those of the others, which the statistics don't tell."""
    newest = EventFactory(max_seats=2 * MANY)
    booked(newest, users(MANY))
    ids = newest.bookings.order_by("pk").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")

    for start in ids[::100]:
        reads_its_page(booking_list(event_id=newest.pk), cursors=[f"after:{start}"])


def reads_its_page(
    bookings: IndexRange, *, or_at_most: int | None = None, cursors: Sequence[str] = ()
) -> None:
    everywhere = ("", "after:0", f"after:{_last_id()}", f"before:{_last_id() + 1}")
    for cursor in cursors or everywhere:
        with CaptureQueriesContext(connection) as queries:
            page = paged_response(_request(cursor), bookings, fields=LISTED_FIELDS)
        # One more than the page tells whether there is another.
        [statement] = [each["sql"] for each in queries if "LIMIT" in each["sql"]]
        assert rows_read(statement) <= max(len(page.data) + 1, or_at_most or 0), cursor


def _last_id() -> int:
    return Booking.objects.latest("pk").pk


def _request(cursor: str) -> Request:
    encoded = base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
    query = {"limit": str(PAGE), **({"cursor": encoded} if cursor else {})}
    return Request(RequestFactory().get("/", query))
