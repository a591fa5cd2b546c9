"""How often viewers ask."""

import math
import time

# Requests a second from viewers that each process aims at: 2 to 3 % of a core.
BUDGET = 25
LONGEST_SECONDS = 30


class Pace:
    """Stretches the time between a viewer's requests, so that any number of viewers costs about as
    much as `BUDGET` of them."""

    def __init__(self) -> None:
        self.seconds = 1
        self._asked = 0
        self._since = time.monotonic()

    def count(self) -> None:
        """A viewer has asked."""
        self._asked += 1
        elapsed = time.monotonic() - self._since
        # Long enough for each viewer to have asked twice.
        if elapsed >= 2 * self.seconds:
            viewers = self._asked / elapsed * self.seconds
            self.seconds = min(max(1, math.ceil(viewers / BUDGET)), LONGEST_SECONDS)
            self._asked = 0
            self._since = time.monotonic()
