"""Waiting for what another process or thread does, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(probe: Callable[[], T | None], what: str, *, seconds: float = 20) -> T:
    """The first true answer of `probe`. Fails, saying `what` didn't come, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"still no {what} after {seconds} s"
        time.sleep(0.02)
    return answer
