"""How many requests a worker works on at the same time.

All greenlets that have something to do get the processor one after the other. If thousands of
requests begin at once, then all end late, and a batch of bookings waits for its next step until
each of the others has had its own. So only some begin, and the rest wait in the order in which they
came.
"""

from gevent.lock import BoundedSemaphore

# Twice the default of ADMISSION_MAX_GROUP: while one batch is decided, the next one gathers.
MOST_AT_ONCE = 128
# As long as a client may keep us waiting for its request.
MOST_SECONDS = 10.0


class Turns:
    def __init__(self, *, number: int = MOST_AT_ONCE) -> None:
        self._free = BoundedSemaphore(number)

    def take(self, *, seconds: float = MOST_SECONDS) -> bool:
        """Wait for one; False if there is none within `seconds`."""
        return bool(self._free.acquire(timeout=seconds))

    def give_back(self) -> None:
        self._free.release()
