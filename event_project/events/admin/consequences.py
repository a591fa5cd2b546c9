"""What a change of an event will do to people, said before it is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from event_project.events.admin.standings import Seen, Standing, State, window_state
from event_project.events.models import Event


@dataclass(frozen=True)
class Consequence:
    """`code` is what somebody confirms who has read `text`."""

    code: str
    text: str


class NotConfirmed(Exception):
    def __init__(self, consequences: list[Consequence]) -> None:
        super().__init__("the change needs to be confirmed")
        self.consequences = consequences


def consequences_of(
    before: Event, after: Event, *, standing: Standing | None, now: datetime
) -> list[Consequence]:
    """Without a standing, they are said as conditions."""
    return [
        *_of_seats(before, after, standing),
        *_of_waitlist(before, after, standing),
        *_of_window(before, after, now),
        *_of_date_and_venue(before, after, standing),
    ]


def _of_seats(before: Event, after: Event, standing: Standing | None) -> Iterator[Consequence]:
    seats = after.max_seats
    if seats < before.max_seats:
        if standing is None:
            yield Consequence(
                "fewer_seats",
                _(
                    "If more than %(seats)d seats are taken, everybody keeps theirs, and nobody is "
                    "booked or moves up until fewer than %(seats)d are taken."
                )
                % {"seats": seats},
            )
        elif standing.confirmed > seats:
            yield Consequence(
                "fewer_seats",
                ngettext(
                    "%(guests)d guest has a seat. With %(seats)d nobody loses a seat, and nobody "
                    "is booked or moves up until fewer than %(seats)d are taken.",
                    "%(guests)d guests have seats. With %(seats)d nobody loses a seat, and nobody "
                    "is booked or moves up until fewer than %(seats)d are taken.",
                    standing.confirmed,
                )
                % {"guests": standing.confirmed, "seats": seats},
            )
    elif seats > before.max_seats and standing is not None:
        promoted = min(standing.waiting, max(0, seats - standing.confirmed))
        if promoted:
            yield Consequence(
                "more_seats",
                ngettext(
                    "%(guests)d guest moves up from the waitlist, and gets a mail.",
                    "%(guests)d guests move up from the waitlist, and get a mail.",
                    promoted,
                )
                % {"guests": promoted},
            )


def _of_waitlist(before: Event, after: Event, standing: Standing | None) -> Iterator[Consequence]:
    places = after.waitlist_limit
    if places < before.waitlist_limit and standing is not None and standing.waiting > places:
        yield Consequence(
            "shorter_waitlist",
            ngettext(
                "%(guests)d guest waits and keeps the place in line. Nobody is added until fewer "
                "than %(places)d wait.",
                "%(guests)d guests wait. They keep their places in line, and nobody is added until "
                "fewer than %(places)d wait.",
                standing.waiting,
            )
            % {"guests": standing.waiting, "places": places},
        )


def _of_window(before: Event, after: Event, now: datetime) -> Iterator[Consequence]:
    was, will_be = (window_state(event, now=now) for event in (before, after))
    if was is will_be:
        return
    texts = {
        State.OPEN: _("Booking opens at once."),
        State.CLOSED: _("Booking closes at once. Guests who have booked keep their seats."),
        State.UPCOMING: _("Nobody can book until the new opening. Bookings so far stay."),
    }
    yield Consequence("window", texts[will_be])


def _of_date_and_venue(
    before: Event, after: Event, standing: Standing | None
) -> Iterator[Consequence]:
    moved = any(
        getattr(before, name) not in (None, getattr(after, name))
        for name in ("starts_at", "ends_at", "venue")
    )
    if moved and (standing is None or standing.confirmed + standing.waiting > 0):
        yield Consequence(
            "moved",
            _("Guests who have booked get no mail about a new time or venue. Tell them yourself."),
        )


def of_cancellation(seen: Seen) -> str:
    """What cancelling the event does."""
    if seen.standing is None:
        return _("All its bookings are cancelled. How many there are isn't known right now.")
    confirmed, waiting = seen.standing.confirmed, seen.standing.waiting
    if not confirmed + waiting:
        return _("Nobody has booked.")
    return ngettext(
        "%(guests)d guest loses a seat and %(waiting)d on the waitlist a place. They get a mail.",
        "%(guests)d guests lose their seats and %(waiting)d on the waitlist their places. They get "
        "a mail.",
        confirmed,
    ) % {"guests": confirmed, "waiting": waiting}
