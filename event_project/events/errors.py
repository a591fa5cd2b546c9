from shared.errors import DomainError


class EventNotFound(DomainError):
    code = "event_not_found"
    message = "event not found"


class EventCancelled(DomainError):
    code = "event_cancelled"
    message = "event is cancelled"


class EventHasChanged(DomainError):
    """The event's version is none of those the caller has seen."""

    code = "precondition_failed"
    message = "event has changed in the meantime"


class BookingEndsTooEarly(DomainError):
    code = "invalid_input"
    message = "booking_end_at must be after booking_start_at"
    field = "booking_end_at"


class EndsTooEarly(DomainError):
    code = "invalid_input"
    message = "ends_at must not be before starts_at"
    field = "ends_at"
