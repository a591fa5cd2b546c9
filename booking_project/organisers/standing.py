"""How an event stands, in words."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking_project.bookings.models import Event
from booking_project.sales.selectors import SaleState

STATE_NAMES = {
    SaleState.UPCOMING: gettext_lazy("Upcoming"),
    SaleState.OPEN: gettext_lazy("Open"),
    SaleState.SOLD_OUT: gettext_lazy("Sold out"),
    SaleState.CLOSED: gettext_lazy("Closed"),
    SaleState.CANCELLED: gettext_lazy("Cancelled"),
}


def state_of(event: Event, *, now: datetime) -> SaleState:
    if event.cancelled_at is not None:
        return SaleState.CANCELLED
    if now < event.booking_start_at:
        return SaleState.UPCOMING
    if now > event.booking_end_at:
        return SaleState.CLOSED
    if event.waitlisted_count or event.seats_taken >= event.max_seats:
        return SaleState.SOLD_OUT
    return SaleState.OPEN


def seats_text(event: Event) -> str:
    return _("%(taken)s of %(seats)s seats") % {
        "taken": event.seats_taken,
        "seats": event.max_seats,
    }


def waiting_text(event: Event) -> str:
    """Empty if nobody waits."""
    if not event.waitlisted_count:
        return ""
    return ngettext("%(count)s waits", "%(count)s wait", event.waitlisted_count) % {
        "count": event.waitlisted_count
    }


def seats_bar(event: Event) -> str:
    return format_html(
        '<span class="desk-seats"><progress class="desk-bar" value="{}" max="{}" aria-label="{}">'
        "</progress><span>{}</span> <small>{}</small></span>",
        min(event.seats_taken, event.max_seats),
        event.max_seats,
        _("Seats taken"),
        seats_text(event),
        waiting_text(event),
    )


def standing(event: Event) -> str:
    return " ".join(_sentences(event)) or _("Nothing out of the ordinary.")


def _sentences(event: Event) -> Iterator[str]:
    taken, seats = event.seats_taken, event.max_seats
    waiting, places = event.waitlisted_count, event.waitlist_limit
    if event.cancellation_pending:
        yield _("The event is cancelled, and its bookings are being cancelled.")
    elif event.promotion_cause:
        yield _("Those who wait are being given seats, in order. Newcomers wait behind them.")
    if taken > seats:
        yield _(
            "%(taken)s seats are taken and there are %(seats)s. Nobody loses a seat, and nobody is "
            "booked or promoted until fewer than %(seats)s are taken."
        ) % {"taken": taken, "seats": seats}
    if waiting > places:
        yield _(
            "%(waiting)s people wait and there are %(places)s places in line. They keep their "
            "place, and nobody is added until fewer than %(places)s wait."
        ) % {"waiting": waiting, "places": places}
