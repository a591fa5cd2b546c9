from shared.errors import DomainError


class EventNotFound(DomainError):
    code = "event_not_found"
    message = "event not found"
