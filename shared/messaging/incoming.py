"""Messages as a handler sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.messaging.errors import HandlerUnavailable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncomingMessage:
    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes


Failures = Mapping[IncomingMessage, Exception]
"""Why messages of a batch could not be handled. Those that are not in it were handled."""

Handler = Callable[[Sequence[IncomingMessage]], Failures]


def one_by_one(handle: Callable[[IncomingMessage], None]) -> Handler:
    """A handler of batches made from a function that handles one message or raises."""

    def handle_all(messages: Sequence[IncomingMessage]) -> Failures:
        failures: dict[IncomingMessage, Exception] = {}
        for message in messages:
            try:
                handle(message)
            except HandlerUnavailable:
                raise
            except Exception as error:
                failures[message] = error
        return failures

    return handle_all
