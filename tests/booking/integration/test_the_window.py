"""The window opens and closes by the clock of the database server, not of a web server."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from booking_project.bookings.domain.errors import BookingNotOpen
from booking_project.bookings.models import BookingStatus
from tests.support.booking.commands import create, decided, to_book
from tests.support.booking.factories import EventFactory, now

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)


@contextmanager
def database_clock_at(moment: datetime) -> Iterator[list[str]]:
    """Makes `moment` the time of the server's clock, for all statements."""
    asked: list[str] = []

    def stop_the_clock(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        literal = f"TIMESTAMPTZ '{moment.isoformat()}'"
        for call in ("clock_timestamp()", "CLOCK_TIMESTAMP()"):
            if call in sql:
                asked.append(sql)
                sql = sql.replace(call, literal)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(stop_the_clock):
        yield asked


@pytest.mark.parametrize("edge", ["booking_start_at", "booking_end_at"])
def test_the_edges_are_inside(edge: str) -> None:
    event = EventFactory()

    with database_clock_at(getattr(event, edge)) as asked:
        booking = create(event_id=event.pk, user_id="ann")

    assert booking.status == BookingStatus.CONFIRMED
    assert booking.created_at == getattr(event, edge)
    assert asked, "the server was asked"


@pytest.mark.parametrize(
    ("edge", "beyond"), [("booking_start_at", -TICK), ("booking_end_at", TICK)]
)
def test_a_microsecond_beyond_is_outside(edge: str, beyond: timedelta) -> None:
    event = EventFactory()

    with (
        database_clock_at(getattr(event, edge) + beyond),
        pytest.raises(BookingNotOpen),
    ):
        create(event_id=event.pk, user_id="ann")


def test_the_clock_is_read_again_after_the_lock() -> None:
    """A user who waited for the row until the window was over is too late."""
    event = EventFactory()

    with database_clock_at(event.booking_end_at + TICK):
        [outcome] = decided(event.pk, [to_book(event.pk, "ann")])

    assert isinstance(outcome, BookingNotOpen)


def test_the_clock_runs_on_during_a_transaction() -> None:
    """`now()` would stand still at the transaction's start, before the wait for the row."""
    first = EventFactory()
    second = EventFactory()

    one = create(event_id=first.pk, user_id="ann")
    two = create(event_id=second.pk, user_id="ann")

    assert one.created_at < two.created_at
    assert abs(now() - two.created_at) < timedelta(minutes=1)
