"""The id of the request that is being handled, or that caused the message in hand, or of the
command that runs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits
from typing import Any

HEADER = "X-Request-ID"
MESSAGE_HEADER = "x-request-id"

_ACCEPTED = re.compile(r"[A-Za-z0-9._~-]{1,128}")

# Empty outside requests, messages and commands.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def accept(given: str | None) -> str:
    """The caller's own id, if it is one that logs and headers can hold; otherwise a new one."""
    if given and _ACCEPTED.fullmatch(given):
        return given
    # It must be unique, but nothing depends on its being hard to guess.
    return f"{getrandbits(128):032x}"


def accept_from_message(headers: Mapping[str, Any]) -> str:
    """The same for what a message says, which may come from anyone."""
    given = headers.get(MESSAGE_HEADER)
    return accept(given if isinstance(given, str) else None)


def new_for_command(name: str) -> str:
    """An id that shows where it comes from."""
    return accept(f"{name}-{getrandbits(64):016x}")


@contextmanager
def bound(number: str) -> Iterator[None]:
    """Log lines and messages of the block belong to this request."""
    token = request_id.set(number)
    try:
        yield
    finally:
        request_id.reset(token)
