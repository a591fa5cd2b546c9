"""The HTTP status of each refusal."""

from http import HTTPStatus

from booking_project.bookings.domain import errors
from shared.api import problems
from shared.errors import DomainError
from shared.idempotency import http as idempotency

STATUSES: dict[type[DomainError], HTTPStatus] = {
    errors.EventNotFound: HTTPStatus.NOT_FOUND,
    errors.EventCancelled: HTTPStatus.CONFLICT,
    errors.BookingNotOpen: HTTPStatus.BAD_REQUEST,
    errors.AlreadyBooked: HTTPStatus.CONFLICT,
    errors.FullyBooked: HTTPStatus.CONFLICT,
    errors.BookingNotFound: HTTPStatus.NOT_FOUND,
    errors.AlreadyCancelled: HTTPStatus.BAD_REQUEST,
    errors.MustWait: HTTPStatus.TOO_MANY_REQUESTS,
    errors.InvalidTurn: HTTPStatus.FORBIDDEN,
    errors.TurnMissed: HTTPStatus.FORBIDDEN,
    errors.NoWaitingRoom: HTTPStatus.CONFLICT,
    errors.TryAgainLater: HTTPStatus.SERVICE_UNAVAILABLE,
    **idempotency.STATUSES,
}

exception_handler = problems.exception_handler(STATUSES)
