"""Consumes one queue while the process lives: reconnects, acknowledges after the handler."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import Basic

from shared.messaging.connection import open_channel
from shared.messaging.dead_letters import REASON_HEADER
from shared.messaging.errors import BadMessage, BrokerUnavailable
from shared.messaging.metrics import DEAD_LETTERS, HANDLED
from shared.messaging.topology import Queue
from shared.patience import patient

logger = logging.getLogger(__name__)

T = TypeVar("T")

_IDLE_SECONDS = 0.5
_CONNECT_SECONDS = 5.0
_LOOK_SECONDS = 10.0

# A crash counts as a delivery for every message that was prefetched: with more than one, those
# behind a message that crashes each run would reach the delivery limit together with it.
_PREFETCH = 1


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes


class HandlerUnavailable(Exception):
    """The handler can't work now (its database is away): not the message's fault, try again."""


Handler = Callable[[IncomingMessage], None]


class Consumer:
    """Hands each message to `handler` and acknowledges it when the handler has returned.

    `BadMessage` from the handler moves the message to the dead-letter queue, with the reason in
    its headers. `HandlerUnavailable` keeps it and tries again, with growing pauses, and so do
    later messages wait: their order is kept. Any other exception ends `run`: a bug in the handler
    should be seen, and the broker's delivery limit bounds how often that message comes back.

    `spare_time` is called between messages, twice a second or as long as there is more: it does one
    bounded piece of other work, and returns whether there is more. It may raise
    `HandlerUnavailable`.
    """

    def __init__(
        self,
        *,
        url: str,
        queue: Queue,
        handler: Handler,
        spare_time: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handler = handler
        self._spare_time = spare_time
        self._stopping = threading.Event()
        self._looked_at = 0.0
        self._waited = False
        self._idle = True

    def stop(self) -> None:
        """Let `run` return after the message in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until `stop`. Raises `TopologyMismatch`, and what the handler didn't expect."""
        connecting = patient(
            errors=(BrokerUnavailable, AMQPError), stopping=self._stopping, longest=10
        )
        while not self._stopping.is_set():
            try:
                channel = connecting(self._open)
            except (BrokerUnavailable, AMQPError):
                break
            try:
                self._consume(channel)
            except AMQPError as error:
                logger.warning("connection to the broker lost: %r", error)
            finally:
                if channel.connection.is_open:
                    channel.connection.close()

    def _open(self) -> BlockingChannel:
        channel = open_channel(self._url, timeout=_CONNECT_SECONDS)
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=_PREFETCH)
        logger.info("consuming %s", self._queue.name)
        return channel

    def _consume(self, channel: BlockingChannel) -> None:
        """Until `stop`, or until the broker cancels us (queue deleted, leader moved)."""
        arrived: deque[_Delivery] = deque()
        self._waited = False
        cancelled = threading.Event()
        channel.add_on_cancel_callback(lambda _: cancelled.set())
        channel.basic_consume(
            self._queue.name, lambda _, *delivery: arrived.append(_Delivery(*delivery))
        )
        more, look_again_at = True, 0.0
        while not self._stopping.is_set() and not cancelled.is_set():
            if arrived:
                self._idle = False
                self._take(channel, arrived.popleft())
            if more or time.monotonic() >= look_again_at:
                more = self._use_spare_time(channel)
                look_again_at = time.monotonic() + _IDLE_SECONDS
            if self._is_forgotten(channel):
                logger.warning("%s has messages, delivers none: consuming anew", self._queue.name)
                break
            channel.connection.process_data_events(time_limit=0 if more else _IDLE_SECONDS)

    def _is_forgotten(self, channel: BlockingChannel) -> bool:
        """Whether messages wait though we were idle since they were seen the last time.

        RabbitMQ 3.10 may subscribe a consumer by itself to a queue that was deleted and declared
        again, and then deliver nothing to it.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return False
        DEAD_LETTERS.labels(self._queue.name).set(_count(channel, self._queue.dead_letter_queue))
        waited, self._waited = self._waited, _count(channel, self._queue.name) > 0
        idle, self._idle = self._idle, True
        self._looked_at = time.monotonic()
        return waited and self._waited and idle

    def _use_spare_time(self, channel: BlockingChannel) -> bool:
        try:
            return self._patiently(channel, self._spare_time)
        except HandlerUnavailable:
            return False  # stopping

    def _take(self, channel: BlockingChannel, delivery: "_Delivery") -> None:
        method, properties, body = delivery
        message = IncomingMessage(
            message_id=properties.message_id,
            # Sent back from the dead letters, it came by the queue's name and not by its own key.
            routing_key=method.routing_key if method.exchange else (properties.type or ""),
            headers=properties.headers or {},
            body=body,
        )
        try:
            self._patiently(channel, partial(self._handler, message))
            outcome = "done"
        except BadMessage as error:
            logger.error("message %s is dead: %s", message.message_id, error)
            self._bury(channel, properties, body, reason=str(error))
            outcome = "dead"
        except HandlerUnavailable:
            return  # stopping: unacknowledged, it goes back to the queue
        channel.basic_ack(method.delivery_tag)
        HANDLED.labels(self._queue.name, outcome).inc()

    def _patiently(self, channel: BlockingChannel, work: Callable[[], T]) -> T:
        def pause(seconds: float) -> None:
            # Heartbeats must go on, or the broker takes us for dead and redelivers.
            channel.connection.process_data_events(time_limit=seconds)

        patiently = patient(
            errors=(HandlerUnavailable,), stopping=self._stopping, longest=5, sleep=pause
        )
        return patiently(work)

    def _bury(
        self,
        channel: BlockingChannel,
        properties: pika.BasicProperties,
        body: bytes,
        *,
        reason: str,
    ) -> None:
        """Confirmed before the original is acknowledged: at worst it is buried twice."""
        properties.headers = {**(properties.headers or {}), REASON_HEADER: reason[:1000]}
        properties.delivery_mode = pika.DeliveryMode.Persistent.value
        channel.basic_publish("", self._queue.dead_letter_queue, body, properties, mandatory=True)


def _count(channel: BlockingChannel, queue: str) -> int:
    answer: Any = channel.queue_declare(queue, passive=True)
    return int(answer.method.message_count)


class _Delivery(NamedTuple):
    method: Basic.Deliver
    properties: pika.BasicProperties
    body: bytes
