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


class TryAgainLater(DomainError):
    """The database is unavailable, or another transaction has held this event's row too long."""

    code = "try_again_later"
    message = "the service is busy, please try again"
