"""What users ask of an event, and the outcome they are waiting for.

`actor` is who asks, for the booking's history; empty if it is the booking's user. `request_id` is
the id of the request, because the thread of another one may decide on the command; `step` is that
of the request's trace, if there is one.
"""

from dataclasses import dataclass, field

from booking_project.bookings.models import Booking
from shared.concurrency.batching import Outcome
from shared.idempotency.requests import IdempotentRequest, Result
from shared.observability.request_id import request_id
from shared.observability.tracing import Step, step


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CreateBooking:
    """`request` is set if it has an idempotency key and so may have been sent before. `has_turn` is
    set if it may pass the event's waiting room."""

    event_id: int
    user_id: str
    request: IdempotentRequest | None = None
    actor: str = ""
    has_turn: bool = False
    request_id: str = field(default_factory=request_id.get)
    step: Step | None = field(default_factory=step.get)
    outcome: Outcome[Result[Booking]] = field(default_factory=Outcome)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CancelBooking:
    event_id: int
    booking_id: int
    actor: str = ""
    request_id: str = field(default_factory=request_id.get)
    step: Step | None = field(default_factory=step.get)
    outcome: Outcome[Result[Booking]] = field(default_factory=Outcome)


Command = CreateBooking | CancelBooking
