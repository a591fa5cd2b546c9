"""How long tests wait for what another process or thread does.

Waits for what must happen are long: a busy machine needs time, and only a failing test waits to the
end. Waits for what must not happen are short: each passing run waits to the end, and a slow machine
may miss a fault, but never reports one that isn't there.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0  # for what must happen
BRIEF_SECONDS = 0.3  # for what must not happen


def until(probe: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer of `probe`. Fails, saying `what` didn't come, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"still no {what} after {seconds} s"
        time.sleep(0.02)
    return answer


def never(probe: Callable[[], object], what: str) -> None:
    """Fails if `probe` says within `BRIEF_SECONDS` that `what` came."""
    end = time.monotonic() + BRIEF_SECONDS
    while time.monotonic() < end:
        assert not probe(), f"there should be no {what}"
        time.sleep(0.02)
