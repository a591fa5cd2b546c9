"""Messages as a handler sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncomingMessage:
    """`request_id` names the request that caused it; if the message doesn't say, it is a new id."""

    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes
    request_id: str = ""


Failures = Mapping[IncomingMessage, Exception]
"""Why messages of a batch could not be handled. Those that are not in it were handled."""

Handler = Callable[[Sequence[IncomingMessage]], Failures]
