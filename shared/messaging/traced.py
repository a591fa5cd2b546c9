"""Spans of messages, named as OpenTelemetry names them. Import it only where traces are recorded.

See https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from shared.messaging.errors import HandleAlone, NotPublished
from shared.messaging.incoming import Failures, Handler, IncomingMessage
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.messaging.topology import Queue
from shared.observability.recording import (
    CONSUMER,
    PRODUCER,
    Attributes,
    Remote,
    Span,
    doing,
    start,
    together,
)
from shared.observability.tracing import HEADER


class TracedPublisher(Publisher):
    """A span for each message, from here to its confirm, as part of the trace that it was stored
    with. A message without one is published as it is."""

    def publish(self, messages: Sequence[OutgoingMessage]) -> list[NotPublished | None]:
        spans = [_sending(message) for message in messages]
        outcomes = super().publish(
            [
                message if span is None else _carried(message, span)
                for message, span in zip(messages, spans, strict=True)
            ]
        )
        for span, outcome in zip(spans, outcomes, strict=True):
            if span is not None:
                if outcome is not None:
                    span.fail(type(outcome).__qualname__)
                span.end()
        return outcomes


def _sending(message: OutgoingMessage) -> Span | None:
    parent = Remote.of(message.headers.get(HEADER))
    if parent is None:
        return None
    name = f"send {message.exchange}"
    attributes: Attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send",
        "messaging.operation.name": "publish",
        "messaging.destination.name": message.exchange,
        "messaging.rabbitmq.destination.routing_key": message.routing_key,
        "messaging.message.id": message.message_id,
    }
    return start(name, kind=PRODUCER, parent=parent, attributes=attributes)


def _carried(message: OutgoingMessage, span: Span) -> OutgoingMessage:
    return replace(message, headers={**message.headers, HEADER: span.traceparent})


def traced_handler(handler: Handler, *, queue: Queue) -> Handler:
    """`handler`, with a span for each message whenever it is handed over. A message that comes
    without a valid trace begins one."""

    def handle(messages: Sequence[IncomingMessage]) -> Failures:
        spans = [_processing(message, queue) for message in messages]
        originals = {
            replace(message, step=span): message
            for message, span in zip(messages, spans, strict=True)
        }
        with ExitStack() as stack:
            # Several have no order of their own, so none is the step of what they share.
            for span in spans:
                stack.enter_context(doing(span))
            if len(spans) > 1:
                stack.enter_context(
                    together("batch", spans, size_name="messaging.batch.message_count")
                )
            failures = handler(list(originals))
            for message, failure in failures.items():
                if isinstance(message.step, Span) and not isinstance(failure, HandleAlone):
                    message.step.fail(type(failure).__qualname__)
        return {originals[message]: failure for message, failure in failures.items()}

    return handle


def _processing(message: IncomingMessage, queue: Queue) -> Span:
    attributes: Attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": queue.name,
        "messaging.rabbitmq.destination.routing_key": message.routing_key,
        "messaging.message.id": message.message_id or "",
        "reservation.request_id": message.request_id,
    }
    parent = Remote.of(message.headers.get(HEADER))
    return start(f"process {queue.name}", kind=CONSUMER, parent=parent, attributes=attributes)
