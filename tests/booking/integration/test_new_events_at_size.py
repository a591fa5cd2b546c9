"""A sale's first bookings come when PostgreSQL's statistics don't know the event yet."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.commands import Command
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.storage.sql import bookings_in_line, snapshot
from tests.support.booking.commands import decided, to_book, to_cancel
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import empty_tables, rows_read

pytestmark = [pytest.mark.django_db(transaction=True), on_one_server]

MANY = 800
WAITING = 300


@pytest.fixture(params=["all", "event"])
def new(request: pytest.FixtureRequest, settings) -> Event:
    """It has many bookings, all of them later than the statistics, which know one event."""
    settings.ADMISSION_GROUPING = request.param
    empty_tables()
    old = EventFactory(max_seats=MANY)
    booked(old, users(MANY))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")
    event: Event = EventFactory(max_seats=MANY, waitlist_limit=2 * WAITING)
    booked(event, users(MANY + WAITING))
    return event


def test_no_statement_reads_all_of_its_bookings(new: Event) -> None:
    first, *_, last = new.bookings.order_by("pk")
    commands: list[Command] = [
        *(to_book(new.pk, f"late-{number}") for number in range(8)),
        *(to_cancel(new.pk, first.pk + number) for number in range(4)),
    ]
    with CaptureQueriesContext(connection) as queries:
        decided(new.pk, commands)
        snapshot([to_book(new.pk, "late-1")])
        bookings_in_line([(last.pk, None)])
        booking_cancel(booking_id=last.pk)

    statements = [each for query in queries for each in query["sql"].split("; ")]
    about_bookings = [each for each in statements if "bookings_booking" in each]
    assert Booking.objects.filter(event=new, user_id__startswith="late-").count() == 8
    assert len(about_bookings) >= 6
    for each in about_bookings:
        if "INSERT" not in each:
            assert rows_read(each) <= WAITING + len(commands), each
