"""Allocations for an event that exists only in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.transitions import PROMOTE
from booking_project.bookings.models import Booking, BookingStatus, Event

START = datetime(2026, 2, 20, 10, tzinfo=UTC)
NOON = START + timedelta(days=1)
END = START + timedelta(days=5)


def event(**columns: Any) -> Event:
    defaults = {
        "id": 7,
        "name": "Golang Workshop Bangkok",
        "max_seats": 2,
        "waitlist_limit": 2,
        "price": 0,
        "booking_start_at": START,
        "booking_end_at": END,
        "created_at": START,
        "updated_at": START,
        "version": 1,
    }
    return Event(**{**defaults, **columns})


def confirmed(of: Event, pk: int, user_id: str) -> Booking:
    return _booking(of, pk, user_id, BookingStatus.CONFIRMED)


def waitlisted(of: Event, pk: int, user_id: str, *, order: int) -> Booking:
    return _booking(of, pk, user_id, BookingStatus.WAITLISTED, waitlist_order=order)


def cancelled(of: Event, pk: int, user_id: str) -> Booking:
    return _booking(of, pk, user_id, BookingStatus.CANCELLED)


def allocation(of: Event, rows: Sequence[Booking] = (), *, now: datetime = NOON) -> SeatAllocation:
    """An allocation with all rows, and the counters that follow from them."""
    waiting = [row for row in rows if row.status == BookingStatus.WAITLISTED]
    of.confirmed_count = sum(row.status == BookingStatus.CONFIRMED for row in rows)
    of.waitlisted_count = len(waiting)
    of.last_waitlist_order = max((row.waitlist_order or 0 for row in rows), default=0)
    of.honoured_seats = of.confirmed_count if of.confirmed_count > of.max_seats else 0
    return SeatAllocation(
        of,
        now=now,
        active_users={row.user_id for row in rows if row.status != BookingStatus.CANCELLED},
        bookings={row.pk: row for row in rows},
        waitlist=waiting,
    )


def promoted(book: SeatAllocation) -> list[Booking]:
    """The promoted users, in order."""
    return [change.booking for change in book.changes if change.transition is PROMOTE]


def _booking(of: Event, pk: int, user_id: str, status: str, **columns: Any) -> Booking:
    return Booking(
        id=pk,
        event=of,
        user_id=user_id,
        status=status,
        created_at=START,
        updated_at=START,
        **columns,
    )
