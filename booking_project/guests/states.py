"""What a guest can do about an event now."""

from datetime import datetime
from enum import StrEnum

from booking_project.bookings.domain.allocation import has_free_seat
from booking_project.bookings.models import Event


class State(StrEnum):
    CANCELLED = "cancelled"
    NOT_OPEN_YET = "not_open_yet"
    CLOSED = "closed"
    SEATS = "seats"
    LINE = "line"
    SOLD_OUT = "sold_out"


def state_of(event: Event, *, now: datetime) -> State:
    """In the order in which a booking is refused."""
    if event.cancelled_at is not None:
        return State.CANCELLED
    if now < event.booking_start_at:
        return State.NOT_OPEN_YET
    if now > event.booking_end_at:
        return State.CLOSED
    if has_free_seat(event):
        return State.SEATS
    return State.LINE if event.waitlisted_count < event.waitlist_limit else State.SOLD_OUT
