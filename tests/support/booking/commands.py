"""Commands and what a transaction decides on them, without the queues in front of it."""

from collections.abc import Sequence

from booking_project.bookings.admission import Decision
from booking_project.bookings.domain.commands import CancelBooking, Command, CreateBooking
from booking_project.bookings.models import Booking
from booking_project.bookings.services.bookings import booking_create, decide_event, decide_free
from shared.errors import DomainError
from shared.idempotency.requests import IdempotentRequest, Result


def to_book(event_id: int, user_id: str, request: IdempotentRequest | None = None) -> CreateBooking:
    return CreateBooking(event_id=event_id, user_id=user_id, request=request)


def to_cancel(event_id: int, booking_id: int) -> CancelBooking:
    return CancelBooking(event_id=event_id, booking_id=booking_id)


def create(*, event_id: int, user_id: str) -> Booking:
    return booking_create(event_id=event_id, user_id=user_id).value


def decided(event_id: int, commands: Sequence[Command]) -> list[Booking | DomainError]:
    """In one transaction that waits for the event's row."""
    return [_value(decision) for decision in decide_event(event_id, commands)]


def decided_where_free(commands: Sequence[Command]) -> dict[Command, Booking | DomainError]:
    """In one transaction that doesn't wait; commands whose row is held are missing."""
    return {decision.command: _value(decision) for decision in decide_free(commands)}


def _value(decision: Decision) -> Booking | DomainError:
    return decision.result.value if isinstance(decision.result, Result) else decision.result
