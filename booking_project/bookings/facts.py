"""What happened to bookings, as values."""

from enum import StrEnum
from typing import NamedTuple

from booking_project.bookings.models import Booking


class Happening(StrEnum):
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    PROMOTED = "promoted"
    CANCELLED = "cancelled"


class Cause(StrEnum):
    """Why it happened; told with every message, so names are for ever."""

    BOOKED = "booked"
    SEAT_FREED = "seat_freed"
    CAPACITY_RAISED = "capacity_raised"
    CANCELLED_BY_USER = "cancelled_by_user"
    EVENT_CANCELLED = "event_cancelled"
    REPAIRED = "repaired"


class Fact(NamedTuple):
    """What became of `booking` in a transaction."""

    booking: Booking
    happening: Happening
    cause: Cause
