"""Why something is not possible now, and what to do next: in the words of the pages."""

from dataclasses import dataclass
from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from booking_project.bookings.domain import errors
from shared.errors import DomainError
from shared.idempotency.errors import IdempotencyKeyReused

Text = str | Promise


@dataclass(frozen=True, kw_only=True)
class Refusal:
    status: HTTPStatus
    title: Text
    text: Text
    retry_after: int | None = None


class TooManyWrites(DomainError):
    code = "throttled"
    message = "too many requests"

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


BUSY = Refusal(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    title=_("Please try again"),
    text=_(
        "A lot of people are here right now, and we could not answer in time. "
        "Nothing is lost: try again in a few seconds."
    ),
    retry_after=2,
)
NOT_FOUND = Refusal(
    status=HTTPStatus.NOT_FOUND,
    title=_("This page does not exist"),
    text=_(
        "If you typed the address, check that it is correct. "
        "If you followed a link, it may be out of date."
    ),
)
BROKEN_FORM = Refusal(
    status=HTTPStatus.FORBIDDEN,
    title=_("This form has expired"),
    text=_(
        "It was open for a long time, or your browser blocks cookies. "
        "Nothing was sent. Go back, reload the page, and try again."
    ),
)
LOGGED_OUT = Refusal(
    status=HTTPStatus.FORBIDDEN,
    title=_("You are no longer signed in"),
    text=_("That was long ago, or in another window. Nothing was sent: sign in and try again."),
)
TOO_LARGE = Refusal(
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    title=_("That was too much text"),
    text=_("Go back and shorten what you wrote."),
)
BAD_REQUEST = Refusal(
    status=HTTPStatus.BAD_REQUEST,
    title=_("We could not read that"),
    text=_("Go back, reload the page, and try again."),
)
FORBIDDEN = Refusal(
    status=HTTPStatus.FORBIDDEN,
    title=_("You can’t do that here"),
    text=_("This part is not open to you."),
)
BROKEN = Refusal(
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    title=_("Something went wrong on our side"),
    text=_("We have noted what happened. Please try again in a few minutes."),
)

OF_ERRORS: dict[type[DomainError], Refusal] = {
    errors.EventNotFound: Refusal(
        status=HTTPStatus.NOT_FOUND,
        title=_("We don’t know this event"),
        text=_("The link may be wrong, or the event may just have been created. Try again soon."),
    ),
    errors.BookingNotFound: Refusal(
        status=HTTPStatus.NOT_FOUND,
        title=_("We can’t find this booking"),
        text=_(
            "The link may be wrong, or the booking may belong to someone else. "
            "You find your own under “My bookings”."
        ),
    ),
    errors.EventCancelled: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("This event has been cancelled"),
        text=_("It will not take place, so it can’t be booked."),
    ),
    errors.BookingNotOpen: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("Booking is not open"),
        text=_("The event’s page says when this event can be booked."),
    ),
    errors.FullyBooked: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("Someone was faster"),
        text=_(
            "While you were filling in the form, the last place went to someone else, "
            "and the waiting list is full too. If someone cancels, a place may open up: "
            "it is worth looking again later."
        ),
    ),
    errors.AlreadyBooked: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("You have already booked"),
        text=_("Each person can have one booking for an event, and you have one."),
    ),
    errors.AlreadyCancelled: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("This booking is already cancelled"),
        text=_("There is nothing left to do."),
    ),
    errors.NoWaitingRoom: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("There is no waiting room any more"),
        text=_("Go back to the event: you can book at once."),
    ),
    errors.TryAgainLater: BUSY,
    IdempotencyKeyReused: Refusal(
        status=HTTPStatus.CONFLICT,
        title=_("This form was already used"),
        text=_("Open the event again to book for someone else."),
    ),
    TooManyWrites: Refusal(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        title=_("That was a bit fast"),
        text=_("We received many requests from you. Wait a moment, then try again."),
        retry_after=1,
    ),
}
