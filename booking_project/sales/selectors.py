"""What viewers of a sale see. Never locks."""

import functools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from booking_project.bookings.storage.sharing import Shared
from booking_project.sales.pace import Pace
from booking_project.sales.sql import (
    EventNow,
    Second,
    event_and_latest,
    sampled_seconds,
    seconds_after,
)
from shared.formats.json import dump_json

LATEST_COUNT = 120
PAGE_COUNT = 600
POINTS = 240


class SaleState(StrEnum):
    UPCOMING = "upcoming"
    OPEN = "open"
    SOLD_OUT = "sold_out"
    CLOSED = "closed"
    CANCELLED = "cancelled"


def sale_state(event: EventNow) -> SaleState:
    if event.cancelled_at is not None:
        return SaleState.CANCELLED
    if event.now < event.booking_start_at:
        return SaleState.UPCOMING
    if event.now > event.booking_end_at:
        return SaleState.CLOSED
    if event.waiting or event.seats_taken >= event.max_seats:
        return SaleState.SOLD_OUT
    return SaleState.OPEN


@dataclass(frozen=True, kw_only=True)
class Live:
    """An event now, and its latest seconds. `every` is how long a viewer waits before the next
    request."""

    event: EventNow
    seconds: Sequence[Second]
    every: int
    _encoded: dict[int, bytes] = field(default_factory=dict)

    def json(self, *, since: int) -> bytes:
        """With the seconds after `since` that are among the latest. Encoded once for all viewers
        that have seen the same."""
        seen = bisect_right(self.seconds, since, key=_epoch)
        if seen not in self._encoded:
            self._encoded[seen] = dump_json(
                {
                    "now": self.event.now.timestamp(),
                    "every": self.every,
                    "state": sale_state(self.event),
                    "max_seats": self.event.max_seats,
                    "seats_taken": self.event.seats_taken,
                    "waiting": self.event.waiting,
                    "seconds": [compact(second) for second in self.seconds[seen:]],
                }
            )
        return self._encoded[seen]


def compact(second: Second) -> list[int]:
    """In the order of its fields; `at` in seconds of the Unix epoch."""
    _, *figures = second
    return [_epoch(second), *figures]


def _epoch(second: Second) -> int:
    return int(second.at.timestamp())


def live(*, event_id: int) -> Live:
    """At most a second old. Raises `EventNotFound` and `TryAgainLater`."""
    return _lives().get(event_id)


def live_seconds(*, event_id: int, since: int) -> Sequence[Second]:
    """The first `PAGE_COUNT` after `since`, in seconds of the Unix epoch. Raises as above."""
    return _pages().get((event_id, since))


def sale_overview(*, event_id: int) -> Sequence[Second]:
    """At most `POINTS` seconds of the whole sale. Raises as above."""
    return _overviews().get(event_id)


@functools.cache
def pace() -> Pace:
    return Pace()


@functools.cache
def _lives() -> Shared[int, Live]:
    def read(event_id: int) -> Live | None:
        found = event_and_latest(event_id=event_id, count=LATEST_COUNT)
        return found and Live(event=found[0], seconds=found[1], every=pace().seconds)

    return Shared(read, seconds=1)


@functools.cache
def _pages() -> Shared[tuple[int, int], Sequence[Second]]:
    def read(key: tuple[int, int]) -> Sequence[Second]:
        event_id, since = key
        return seconds_after(event_id=event_id, since=since, count=PAGE_COUNT)

    return Shared(read, seconds=1)


@functools.cache
def _overviews() -> Shared[int, Sequence[Second]]:
    def read(event_id: int) -> Sequence[Second]:
        return sampled_seconds(event_id=event_id, count=POINTS)

    return Shared(read, seconds=5)
