"""What users ask of an event, as values."""

from dataclasses import dataclass

from booking_project.bookings.models import Booking
from shared.idempotency.attempts import Attempt


@dataclass(frozen=True, slots=True)
class Book:
    """`attempt` where it may have been asked before."""

    event_id: int
    user_id: str
    attempt: Attempt[Booking] | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    event_id: int
    booking_id: int


Request = Book | Cancel
