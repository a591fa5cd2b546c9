"""What this process knows about a server that does not answer."""

import threading
from time import monotonic

from shared.db.errors import DatabaseUnresponsive

PAUSE_SECONDS = 1.0
# An attempt that is still running after this time no longer holds back the next one.
ATTEMPT_SECONDS = 10.0


class Outage:
    """While it lasts, one caller at a time tries, and the others fail at once.

    Otherwise each caller would wait for the whole deadline, and a few of them would tie up all
    threads of a process. Any answer from the server ends it.
    """

    def __init__(self) -> None:
        self.lasts = False
        self._mutex = threading.Lock()
        self._next_attempt_at = 0.0

    def begin(self) -> None:
        """The server did not answer in time. No caller tries again for `PAUSE_SECONDS`."""
        with self._mutex:
            self.lasts = True
            self._next_attempt_at = monotonic() + PAUSE_SECONDS

    def end(self) -> None:
        """The server has answered."""
        self.lasts = False

    def require_attempt(self) -> None:
        """Raises `DatabaseUnresponsive`, unless the caller may try now."""
        if not self.lasts:
            return
        with self._mutex:
            now = monotonic()
            if now < self._next_attempt_at:
                raise DatabaseUnresponsive("the database did not answer a moment ago")
            self._next_attempt_at = now + ATTEMPT_SECONDS


# A process has one database.
outage = Outage()
