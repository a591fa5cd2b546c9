"""The arithmetic of a waiting room.

Those who join get the numbers of turns, in the order in which they come. Turns come up at the
event's rate, from the opening on, whether or not somebody has them: seats that nobody asked for in
a quiet minute don't add up to a rush later. Those who joined before the opening share the first
turns, and a draw says who gets which.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from booking_project.bookings.models import Event

# How long people may take to book once their turn has come, at the highest rate there has been.
TURN_SECONDS = 600
# How long before the opening people may join.
EARLY_SECONDS = 1800
# Nobody is told to come back later than that: the rate may have been raised meanwhile.
LONGEST_PAUSE = 300
# After the opening, those who were early come back one after another.
DRAW_SECONDS = 5

DRAWN = 0


class Ticket(NamedTuple):
    """What a visitor's token says. `turn` is `DRAWN` for those who joined before the opening."""

    event_id: int
    user_id: str
    turn: int


class PlaceState(StrEnum):
    EARLY = "early"
    WAITING = "waiting"
    READY = "ready"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`position` is 1 for whoever is next; None before the draw, and once the turn has come.
    `seconds` is how long it takes until then."""

    state: PlaceState
    position: int | None = None
    seconds: float = 0.0

    @property
    def retry_after(self) -> int:
        return min(LONGEST_PAUSE, math.ceil(self.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """As it was at `seen_at`, by this process's monotonic clock.

    `called` turns had come up, `last_turn` was the latest given out, and `early` people had joined
    before the opening, which is in `opens_in` seconds. With `gives_way`, bookings need the
    processor.
    """

    event: Event
    gives_way: bool
    rate: int
    highest_rate: int
    called: float
    last_turn: int
    early: int
    opens_in: float
    seen_at: float

    def is_open(self, *, now: float, early: float = 0.0) -> bool:
        """Whether people can book, or will within `early` seconds."""
        event = self.event
        length = (event.booking_end_at - event.booking_start_at).total_seconds()
        return event.cancelled_at is None and -length <= self._opens_in(now) <= early

    def place(self, ticket: Ticket, *, draw: float, now: float) -> Place:
        """`draw` is the visitor's, from 0 to 1. `now` is on the clock of `seen_at`."""
        opens_in = self._opens_in(now)
        if opens_in > 0:
            return Place(state=PlaceState.EARLY, seconds=opens_in + draw * DRAW_SECONDS)
        turn = ticket.turn if ticket.turn != DRAWN else 1 + int(draw * self.early)
        called = self._called(now)
        if called > turn + TURN_SECONDS * self.highest_rate:
            return Place(state=PlaceState.MISSED)
        if turn <= called + 1:
            return Place(state=PlaceState.READY)
        return Place(
            state=PlaceState.WAITING,
            position=turn - math.floor(called) - 1,
            seconds=(turn - called - 1) / self.rate,
        )

    def place_of_newcomer(self, *, now: float) -> Place:
        """For somebody who would join now."""
        turn = max(self.last_turn, math.floor(self._called(now))) + 1
        return self.place(Ticket(self.event.pk, "", turn), draw=0.0, now=now)

    def _opens_in(self, now: float) -> float:
        return self.opens_in - (now - self.seen_at)

    def _called(self, now: float) -> float:
        since = now - self.seen_at - max(0.0, self.opens_in)
        return self.called + self.rate * max(0.0, since)
