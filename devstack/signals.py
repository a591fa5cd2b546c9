"""Ctrl-C, SIGTERM and a closed terminal, turned into an exception that unwinds to the clean-up."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from devstack.errors import Interrupted

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_interrupted() -> None:
    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    for each in ENDINGS:
        signal.signal(each, interrupt)


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """For the clean-up itself, which a second Ctrl-C must not leave half done."""
    before = [(each, signal.signal(each, signal.SIG_IGN)) for each in ENDINGS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)
