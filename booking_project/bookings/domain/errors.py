"""Why a booking or a cancellation is refused."""

from shared.errors import DomainError


class EventNotFound(DomainError):
    code = "event_not_found"
    message = "event not found"


class EventCancelled(DomainError):
    code = "event_cancelled"
    message = "event is cancelled"


class BookingNotOpen(DomainError):
    code = "booking_not_open"
    message = "booking is not open"


class AlreadyBooked(DomainError):
    code = "already_booked"
    message = "user already has an active booking for this event"


class FullyBooked(DomainError):
    code = "fully_booked"
    message = "event is fully booked (seats + waitlist)"


class BookingNotFound(DomainError):
    code = "booking_not_found"
    message = "booking not found"


class AlreadyCancelled(DomainError):
    code = "already_cancelled"
    message = "booking is already cancelled"


class MustWait(DomainError):
    """The event has a waiting room, and this user has no turn, or not yet.

    `position` is their place in line; without one, the place that they would get. `retry_after` is
    in seconds.
    """

    code = "waiting_room"
    message = "wait for your turn in the event's waiting room"

    def __init__(
        self, *, event_id: int = 0, position: int | None = None, retry_after: int = 1
    ) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.members = {
            "waiting_room": f"/api/v1/events/{event_id}/waiting-room",
            "position": position,
        }


class InvalidTurn(DomainError):
    """The token is forged, or that of another user or event."""

    code = "invalid_waiting_room_token"
    message = "the waiting room token is not valid for this user and event"


class TurnMissed(DomainError):
    code = "turn_missed"
    message = "your turn was too long ago: join the waiting room again"


class NoWaitingRoom(DomainError):
    code = "no_waiting_room"
    message = "the event has no waiting room: book"


class TryAgainLater(DomainError):
    """The database is unavailable, or another transaction has held this event's row too long."""

    code = "try_again_later"
    message = "the service is busy, please try again"
