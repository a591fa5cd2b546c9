"""The id of the request that is being handled, or that caused the message in hand."""

import re
from contextvars import ContextVar
from random import getrandbits

HEADER = "X-Request-ID"

_ACCEPTED = re.compile(r"[A-Za-z0-9._~-]{1,128}")

# Empty outside requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def accept(given: str | None) -> str:
    """The caller's own id, if it is one that logs and headers can hold; otherwise a new one."""
    if given and _ACCEPTED.fullmatch(given):
        return given
    # It must be unique, but nothing depends on its being hard to guess.
    return f"{getrandbits(128):032x}"
