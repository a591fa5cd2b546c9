"""A sale as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from booking_project.sales.selectors import Live, SaleState, sale_state
from booking_project.sales.sql import EventNow, Second

STATES = {
    SaleState.UPCOMING: _("Not open yet"),
    SaleState.OPEN: _("Open"),
    SaleState.SOLD_OUT: _("Sold out"),
    SaleState.CLOSED: _("Closed"),
    SaleState.CANCELLED: _("Cancelled"),
}
REFUSAL_NAMES = {
    "fully_booked": _("Fully booked"),
    "already_booked": _("Already booked"),
    "booking_not_open": _("Booking not open"),
    "event_cancelled": _("Event cancelled"),
    "refused_otherwise": _("Other reasons"),
}
TABLE_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class Presented:
    event: EventNow
    state: SaleState
    latest: Second | None
    refused: int
    refusals: Sequence[tuple[str, object, int]]
    table: Sequence[Second]
    chart: "Chart | None"
    is_long: bool
    state_names = list(STATES.items())


def presented(now: Live, overview: Sequence[Second]) -> Presented:
    event = now.event
    latest = now.seconds[-1] if now.seconds else None
    refusals = [(code, name, getattr(latest, code, 0)) for code, name in REFUSAL_NAMES.items()]
    return Presented(
        event=event,
        state=sale_state(event),
        latest=latest,
        refused=latest.refused if latest else 0,
        refusals=refusals,
        table=_thinned(overview),
        chart=Chart.of(overview) if overview else None,
        is_long=bool(overview) and overview[-1].at - overview[0].at > timedelta(days=1),
    )


def _thinned(seconds: Sequence[Second]) -> list[Second]:
    """At most `TABLE_ROWS`, the latest first."""
    step = -(-len(seconds) // TABLE_ROWS) or 1
    return list(seconds[::-1][::step])


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The whole sale as an SVG of `WIDTH` by `HEIGHT`: taken seats and the waitlist over time."""

    seats: str
    waiting: str
    capacity_y: float
    most: int
    first: Second
    last: Second

    WIDTH = 1000
    HEIGHT = 300

    @classmethod
    def of(cls, seconds: Sequence[Second]) -> "Chart":
        first, last = seconds[0], seconds[-1]
        span = (last.at - first.at).total_seconds() or 1
        most = max(max(each.max_seats, each.seats_taken, each.waiting) for each in seconds)

        def y(value: int) -> float:
            return round(cls.HEIGHT * (1 - value / most), 1)

        def steps(values: Sequence[int]) -> str:
            """Figures change at their second and stay until the next."""
            xs = [
                round(cls.WIDTH * (each.at - first.at).total_seconds() / span, 1)
                for each in seconds
            ]
            path = f"M0 {y(values[0])}"
            for x, value in zip(xs[1:], values[1:], strict=True):
                path += f"H{x}V{y(value)}"
            return f"{path}H{cls.WIDTH}"

        return cls(
            seats=steps([each.seats_taken for each in seconds]),
            waiting=steps([each.waiting for each in seconds]),
            capacity_y=y(last.max_seats),
            most=most,
            first=first,
            last=last,
        )
