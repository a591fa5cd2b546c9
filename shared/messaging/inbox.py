"""A queue's messages as they arrive, in order and in batches."""

import threading
from collections import deque
from dataclasses import dataclass

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

from shared.messaging.incoming import IncomingMessage
from shared.messaging.topology import Queue
from shared.observability.request_id import accept_from_message


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """`message` is what the handler sees of it."""

    method: Basic.Deliver
    properties: pika.BasicProperties
    body: bytes
    message: IncomingMessage


class Inbox:
    """Prefetches two batches, so that the next one is here when the first is done.

    When a process crashes, the broker counts a delivery for each message that it had prefetched,
    and a message that reaches the queue's delivery limit becomes a dead letter. So that a message
    that crashes every process takes no others along, one that was delivered before is handled with
    nothing else in hand: a new inbox prefetches one message at a time until it gets one that is
    delivered for the first time, and `must_reopen` says when it gets one that isn't later.
    """

    def __init__(self, channel: BlockingChannel, queue: Queue, *, batch_size: int) -> None:
        self._channel = channel
        self._queue = queue
        self._batch_size = batch_size
        self._arrived: deque[Delivery] = deque()
        self._cancelled = threading.Event()
        channel.add_on_cancel_callback(lambda _: self._cancelled.set())
        self._subscribe(prefetch=1)

    @property
    def is_cancelled(self) -> bool:
        """The broker sends nothing more: the queue was deleted, or its leader moved."""
        return self._cancelled.is_set()

    @property
    def must_reopen(self) -> bool:
        """The next message was delivered before, and others are in hand."""
        return self._prefetch > 1 and bool(self._arrived) and self._arrived[0].method.redelivered

    @property
    def is_empty(self) -> bool:
        return not self._arrived

    def take(self) -> list[Delivery]:
        """The next batch; empty if nothing has arrived or the inbox must be reopened."""
        if self._prefetch == 1 < self._batch_size and self._arrived:
            self._prefetch_batches_if_new(self._arrived[0])
        batch: list[Delivery] = []
        while self._arrived and len(batch) < self._batch_size and not self.must_reopen:
            batch.append(self._arrived.popleft())
        return batch

    def _prefetch_batches_if_new(self, only: Delivery) -> None:
        """A limit holds for later subscriptions. While this one's only message is in hand, no other
        can arrive, and pika would send back what arrives while it cancels."""
        if not only.method.redelivered:
            self._channel.basic_cancel(self._tag)
            self._subscribe(prefetch=2 * self._batch_size)

    def _subscribe(self, *, prefetch: int) -> None:
        self._prefetch = prefetch
        self._channel.basic_qos(prefetch_count=prefetch)
        self._tag = self._channel.basic_consume(self._queue.name, self._on_message)

    def _on_message(
        self,
        _: BlockingChannel,
        method: Basic.Deliver,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        headers = properties.headers or {}
        message = IncomingMessage(
            message_id=_text(properties.message_id),
            # A message sent back from another queue arrives under the queue's name, not its key.
            routing_key=_text(method.routing_key if method.exchange else properties.type) or "",
            headers=headers,
            body=body,
            request_id=accept_from_message(headers),
        )
        self._arrived.append(Delivery(method, properties, body, message))


def _text(value: str | bytes | None) -> str | None:
    """pika gives bytes where a short string is not UTF-8."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
