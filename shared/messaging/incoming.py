"""Messages as a handler sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.observability.cause import cause_of
from shared.observability.tracing import Step, log_fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncomingMessage:
    """`request_id` names the request that caused it; if the message doesn't say, it is a new id.
    `step` is the handling of this message, if traces are recorded."""

    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes
    request_id: str = ""
    step: Step | None = None

    @property
    def log_fields(self) -> dict[str, str]:
        """`extra` of a log line about this message."""
        return log_fields(request_id=self.request_id, step=self.step)

    @property
    def cause(self) -> str:
        """For work that is left for later."""
        return cause_of(request_id=self.request_id, step=self.step)


Failures = Mapping[IncomingMessage, Exception]
"""Why messages of a batch could not be handled. Those that are not in it were handled."""

Handler = Callable[[Sequence[IncomingMessage]], Failures]
