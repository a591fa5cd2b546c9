"""How long a request may take to arrive.

gunicorn waits for the rest of a request as long as its sender likes, and each that is waited for
holds a thread or a connection.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from socket import SHUT_RD, socket

SECONDS_TO_ARRIVE = 10.0


class Arrivals:
    """The connections on which a request is being received or answered.

    Used by threads and greenlets alike: each step on the dict is one that neither interrupts.
    """

    def __init__(self) -> None:
        self._deadlines: dict[socket, float] = {}

    @contextlib.contextmanager
    def awaited(self, connection: socket) -> Iterator[None]:
        """Within this, the request must have arrived `SECONDS_TO_ARRIVE` after its start.

        To answer may take longer: only what is still to be read is cut off.
        """
        self._deadlines[connection] = time.monotonic() + SECONDS_TO_ARRIVE
        try:
            yield
        finally:
            self._deadlines.pop(connection, None)

    def cut_off_late(self) -> None:
        """Whoever waits for more of a late request finds that it has ended."""
        now = time.monotonic()
        for connection, deadline in list(self._deadlines.items()):
            if deadline <= now:
                self._deadlines.pop(connection, None)
                # It may have been closed at this very moment, from either side.
                with contextlib.suppress(OSError):
                    _end_reading(connection)


def _end_reading(connection: socket) -> None:
    """Raises `OSError`."""
    # On a twin: gevent's own shutdown raises in whoever reads, and is a 500 then.
    with socket(fileno=os.dup(connection.fileno())) as twin:
        twin.shutdown(SHUT_RD)
