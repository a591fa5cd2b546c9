"""Records the steps of traces with OpenTelemetry, and sends them to a collector by OTLP.

The only place that imports OpenTelemetry. Import it only where `tracing.is_recording()`.
Spans are made by hand at the few places that matter. What they say of an error is its kind, never
its text, which may name people.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.errors import DomainError
from shared.observability import tracing
from shared.observability.span_metrics import LOST_SPANS
from shared.observability.tracing import FLUSH_SECONDS, HEADER, Step, step

logger = logging.getLogger(__name__)

CLIENT = trace.SpanKind.CLIENT
CONSUMER = trace.SpanKind.CONSUMER
INTERNAL = trace.SpanKind.INTERNAL
PRODUCER = trace.SpanKind.PRODUCER
SERVER = trace.SpanKind.SERVER

_MOST_WAITING = 2048

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]

_w3c = TraceContextTextMapPropagator()
_tracer: trace.Tracer = trace.NoOpTracer()


class Span:
    """A step of ours. It is recorded if the sampler says so, and passed on in any case."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        context = span.get_span_context()
        self._span = span
        self.traceparent = (
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        )

    @property
    def is_recorded(self) -> bool:
        return self._span.is_recording()

    @property
    def context(self) -> Context:
        """That of its children."""
        return trace.set_span_in_context(self._span, Context())

    def name(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def link(self, other: "Span") -> None:
        self._span.add_link(trace.get_current_span(other.context).get_span_context())

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(trace.StatusCode.ERROR)

    def conclude(self, error: BaseException) -> None:
        """A refusal is an answer, not a failure."""
        if isinstance(error, DomainError):
            self._span.set_attribute("reservation.refusal", error.code)
        else:
            self.fail(type(error).__qualname__)

    def end(self) -> None:
        self._span.end()


class Remote:
    """The step of another process, whose `traceparent` is valid."""

    __slots__ = ("context", "traceparent")

    def __init__(self, traceparent: str, context: Context) -> None:
        self.traceparent = traceparent
        self.context = context

    @classmethod
    def of(cls, traceparent: object) -> "Remote | None":
        """None for what isn't a valid `traceparent`, as the standard says."""
        if not isinstance(traceparent, str):
            return None
        context = _w3c.extract({HEADER: traceparent}, context=Context())
        return cls(traceparent, context) if context else None


def start(
    name: str,
    *,
    kind: trace.SpanKind = INTERNAL,
    parent: Step | None = None,
    attributes: Attributes | None = None,
) -> Span:
    """A new step of `parent`, which begins a trace if there is none. The caller ends it."""
    context = parent.context if isinstance(parent, Span | Remote) else Context()
    return Span(_tracer.start_span(name, context=context, kind=kind, attributes=attributes))


@contextmanager
def doing(span: Span) -> Iterator[Span]:
    """The block is that step, which ends with it."""
    token = step.set(span)
    try:
        yield span
    except BaseException as error:
        span.conclude(error)
        raise
    finally:
        step.reset(token)
        span.end()


@contextmanager
def span(
    name: str,
    *,
    kind: trace.SpanKind = INTERNAL,
    parent: Step | str | None = None,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """`start` and `doing`. The parent is by default the step in hand."""
    parent = Remote.of(parent) if isinstance(parent, str) else parent
    with doing(start(name, kind=kind, parent=parent or step.get(), attributes=attributes)) as each:
        yield each


@contextmanager
def together(name: str, steps: Sequence[Step | None], *, size_name: str) -> Iterator[None]:
    """The block does something once for all `steps`. It is a child of the first that is recorded,
    and has links to the others and from them. `size_name` is the attribute with their number."""
    recorded = [each for each in steps if isinstance(each, Span) and each.is_recorded]
    if not recorded:
        yield
        return
    first, *others = recorded
    with span(name, parent=first, attributes={size_name: len(steps)}) as shared:
        for each in others:
            shared.link(each)
            each.link(shared)
        yield


def begin(*, service_name: str) -> None:
    """Record from now on. Call it after a fork: it starts a thread."""
    global _tracer
    resource = Resource.create(
        {"service.namespace": "event-reservation", "service.name": service_name}
    )
    # It would wait at the end of the process for as long as it likes.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    bounded = _Bounded(most_waiting=int(os.environ.get(OTEL_BSP_MAX_QUEUE_SIZE, _MOST_WAITING)))
    provider.add_span_processor(bounded)
    _tracer = provider.get_tracer("event-reservation")
    tracing.record_with(span=span, flush=bounded.flush)


class _Bounded(SpanProcessor):
    """OpenTelemetry's batches, with a count of what is lost. Nobody who records ever waits."""

    def __init__(self, *, most_waiting: int) -> None:
        self._room = threading.Semaphore(most_waiting)
        self._batches = BatchSpanProcessor(_Counting(self._room), max_queue_size=most_waiting)

    def on_end(self, span: ReadableSpan) -> None:
        if self._room.acquire(blocking=False):
            self._batches.on_end(span)
        else:
            LOST_SPANS.labels("queue_full").inc()

    def flush(self) -> None:
        """Waits for the collector `FLUSH_SECONDS` at most. Nothing can be recorded afterwards."""
        ending = threading.Thread(target=self._batches.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)
        if ending.is_alive():
            logger.warning("the collector took too long: the last spans are lost")


class _Counting(SpanExporter):
    def __init__(self, room: threading.Semaphore) -> None:
        self._room = room
        self._exporter = OTLPSpanExporter()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                LOST_SPANS.labels("not_taken").inc(len(spans))
            self._room.release(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
