"""The step of a trace that is being done, and how others learn of it: by W3C trace context.

`recording.begin` makes a process record its steps. Without it, `span` and `flush` do nothing, and
nothing of OpenTelemetry is loaded. gunicorn imports this before its worker has patched the standard
library, so nothing here may import Django.

See https://www.w3.org/TR/trace-context/.
"""

import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, Self

HEADER = "traceparent"
# What a process that ends waits for the collector.
FLUSH_SECONDS = 2

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_NOTHING = nullcontext()


class Step(Protocol):
    @property
    def traceparent(self) -> str:
        """What names this step to those that do the next ones."""


# None if nothing is recorded and no caller has sent a trace.
step: ContextVar[Step | None] = ContextVar("step", default=None)


class PassedOn(NamedTuple):
    """A caller's trace that isn't recorded here. Each message is a new step of it."""

    trace_id: str
    flags: str

    @classmethod
    def of(cls, traceparent: str) -> Self | None:
        """None for one that isn't valid."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return cls(found[1], found[2]) if found else None

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_hex(16), "00")

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{secrets.token_hex(8)}-{self.flags}"


def trace_id_of(traced: Step) -> str:
    return traced.traceparent[3:35]


def log_fields(*, request_id: str, step: Step | None) -> dict[str, str]:
    """`extra` of a log line about something that is not the step in hand."""
    return {"request_id": request_id} | ({"trace_id": trace_id_of(step)} if step else {})


class _Recorder(NamedTuple):
    span: Callable[..., AbstractContextManager[Any]]
    flush: Callable[[], None]


_recorder: _Recorder | None = None


def record_with(
    *, span: Callable[..., AbstractContextManager[Any]], flush: Callable[[], None]
) -> None:
    global _recorder
    _recorder = _Recorder(span, flush)


def is_recording() -> bool:
    return _recorder is not None


def span(name: str, *, parent: Step | str | None = None) -> AbstractContextManager[Any]:
    """The block is a step of `parent`, a step or its `traceparent`; by default, of the step in
    hand."""
    return _NOTHING if _recorder is None else _recorder.span(name, parent=parent)


def flush() -> None:
    """Send what has been recorded, before the process ends."""
    if _recorder is not None:
        _recorder.flush()
