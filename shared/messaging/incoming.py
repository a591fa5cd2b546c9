"""Messages as a handler sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncomingMessage:
    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes


Failures = Mapping[IncomingMessage, Exception]
"""Why messages of a batch could not be handled. Those that are not in it were handled."""

Handler = Callable[[Sequence[IncomingMessage]], Failures]
