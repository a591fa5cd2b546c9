"""How many requests a worker works on at the same time.

All greenlets that have something to do get the processor one after the other. If thousands of
requests begin at once, then all end late, and a batch of bookings waits for its next step until
each of the others has had its own. So only some begin, and the rest wait in the order in which they
came.
"""

from collections.abc import Callable, Collection
from enum import Enum, auto
from time import monotonic

import gevent
from gevent.lock import BoundedSemaphore

# Twice the default of ADMISSION_MAX_GROUP: while one batch is decided, the next one gathers.
MOST_AT_ONCE = 128
# As long as a client may keep us waiting for its request.
MOST_SECONDS = 10.0
LATER_AT_ONCE = 16
# They take less than a tenth of a worker's time.
SLOW_A_SECOND = 50


class Turns:
    def __init__(self, *, number: int = MOST_AT_ONCE) -> None:
        self._free = BoundedSemaphore(number)

    def take(self, *, seconds: float = MOST_SECONDS) -> bool:
        """Wait for one; False if there is none within `seconds`."""
        return bool(self._free.acquire(timeout=seconds))

    def give_back(self) -> None:
        self._free.release()


class SlowTurns(Turns):
    """For requests that must leave the processor to others: only `SLOW_A_SECOND` of these begin in
    a second."""

    def __init__(self, *, number: int = LATER_AT_ONCE) -> None:
        super().__init__(number=number)
        self._next_at = 0.0

    def take(self, *, seconds: float = MOST_SECONDS) -> bool:
        if not super().take(seconds=seconds):
            return False
        now = monotonic()
        begins = max(self._next_at, now)
        self._next_at = begins + 1 / SLOW_A_SECOND
        gevent.sleep(begins - now)
        return True


class Line(Enum):
    FIRST = auto()
    LATER = auto()
    SLOW = auto()


def _first(*_: object) -> Line:
    return Line.FIRST


# In which line a request waits, by its method, its path and its headers. A service sets it; it must
# not wait for anything.
line_of: Callable[[str, str, Collection[tuple[str, str]]], Line] = _first
