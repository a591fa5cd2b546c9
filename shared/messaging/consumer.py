"""Consumes one queue for the life of the process: reconnects, acknowledges after the handler."""

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

from shared.commands.backoff import retrying
from shared.formats.text import describe, printable
from shared.messaging.connection import open_channel
from shared.messaging.dead_letters import MARKS, REASON_HEADER, RETRIES_HEADER
from shared.messaging.errors import BadMessage, BrokerUnavailable
from shared.messaging.header_tables import forwarded
from shared.messaging.metrics import DEAD_LETTERS, HANDLED
from shared.messaging.topology import Queue
from shared.workers.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

T = TypeVar("T")

_IDLE_SECONDS = 0.5
_CONNECT_SECONDS = 5.0
_LOOK_SECONDS = 10.0

# Pauses between the attempts at a message whose handler fails unexpectedly, in seconds.
_PAUSES = (0.2, 1.0)

# An event is a few kilobytes. Anything larger would be parsed only to be refused.
_LARGEST_BODY = 1024 * 1024

# After other work has failed unexpectedly.
_PAUSE_OF_OTHER_WORK = 10.0
_LONGEST_PAUSE = 5.0

# A crash counts as a delivery for every prefetched message. With more than one, the messages behind
# one that crashes every run would reach the delivery limit together with it.
_PREFETCH = 1


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes


class HandlerUnavailable(Exception):
    """The handler can't work now (its database is away): not the message's fault, try again."""


class TryLater(Exception):
    """The handler can't process this message now, perhaps never. Others may well succeed."""


class _HandlerFailed(Exception):
    """The handler raised an unexpected exception, which is the cause of this one."""


Handler = Callable[[IncomingMessage], None]


class Consumer:
    """Hands each message to `handler` and acknowledges it when the handler has returned.

    What the handler may raise, and what becomes of the message:

    - `BadMessage`: it goes to the dead-letter queue, with the reason in its headers.
    - `HandlerUnavailable`: it is kept and tried again, with growing pauses. Later messages wait
      too, because the handler couldn't process them either.
    - `TryLater`: it goes to the retry queue and comes back `retry_seconds` later, behind others;
      after `most_retries` it becomes a dead letter.
    - Any other `Exception`: a bug in the handler, or an unforeseen message. It is tried three times
      in a row, then becomes a dead letter. Each traceback is logged.

    A message that ends the process is redelivered until the queue's delivery limit makes it a dead
    letter.

    `spare_time` is called between messages, twice a second, or at once while there is more to do.
    It does one bounded piece of other work and returns whether there is more. What it raises is
    logged and stops nothing; it is called again later.
    """

    def __init__(
        self,
        *,
        url: str,
        queue: Queue,
        handler: Handler,
        heartbeat: Heartbeat,
        spare_time: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handler = handler
        self._heartbeat = heartbeat
        self._spare_time = spare_time
        self._stopping = threading.Event()
        self._looked_at = 0.0
        self._waited = False
        self._idle = True
        self._later_in_a_row = 0
        self._spare_time_at = 0.0
        self._hindered = False

    def stop(self) -> None:
        """Make `run` return after the current message."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until `stop`. Raises `TopologyMismatch`."""
        connecting = retrying(
            errors=(BrokerUnavailable, AMQPError),
            stopping=self._stopping,
            longest=10,
            on_failure=self._tell_of_the_broker,
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
                self._tell_of_the_broker(error)
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
        more = True
        while not self._stopping.is_set() and not cancelled.is_set():
            self._tell_of_the_loop()
            if arrived:
                self._idle = False
                self._take(channel, arrived.popleft())
            if more or time.monotonic() >= self._spare_time_at:
                more = self._use_spare_time()
            if self._is_forgotten(channel):
                logger.warning("%s has messages, delivers none: consuming anew", self._queue.name)
                break
            channel.connection.process_data_events(time_limit=0 if more else _IDLE_SECONDS)

    def _tell_of_the_loop(self) -> None:
        if self._hindered:
            self._heartbeat.again()
        else:
            self._heartbeat.working("look for messages")

    def _tell_of_the_broker(self, error: BaseException) -> None:
        self._heartbeat.waiting(f"connecting to the broker: {describe(error)}")

    def _is_forgotten(self, channel: BlockingChannel) -> bool:
        """Whether messages are waiting, as at the last look, and none was delivered in between.

        When a queue was deleted and declared again, RabbitMQ 3.10 may resubscribe a consumer
        automatically and then deliver nothing to it.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return False
        DEAD_LETTERS.labels(self._queue.name).set(_count(channel, self._queue.dead_letter_queue))
        waited, self._waited = self._waited, _count(channel, self._queue.name) > 0
        idle, self._idle = self._idle, True
        self._looked_at = time.monotonic()
        return waited and self._waited and idle

    def _use_spare_time(self) -> bool:
        """Returns whether there is more to do at once. A failure holds up no messages."""
        self._spare_time_at = time.monotonic() + _IDLE_SECONDS
        self._tell_of_the_loop()
        try:
            more = self._spare_time()
        except HandlerUnavailable as error:
            logger.warning("other work has to wait: %s", error)
            self._heartbeat.waiting(printable(error))
            self._hindered, more = True, False
            self._spare_time_at = time.monotonic() + _LONGEST_PAUSE
        except Exception:  # TryLater among them
            logger.exception("other work failed")
            self._hindered, more = False, False
            self._spare_time_at = time.monotonic() + _PAUSE_OF_OTHER_WORK
        else:
            self._hindered = False
        return more

    def _take(self, channel: BlockingChannel, delivery: "_Delivery") -> None:
        method, properties, body = delivery
        message = IncomingMessage(
            message_id=_text(properties.message_id),
            # A message sent back from another queue arrives under the queue's name, not its key.
            routing_key=_text(method.routing_key if method.exchange else properties.type) or "",
            headers=properties.headers or {},
            body=body,
        )
        self._hindered = False
        self._heartbeat.working("handle a message")
        try:
            self._try_a_few_times(channel, message)
            outcome = "done"
        except BadMessage as error:
            outcome = self._bury(channel, delivery, reason=printable(error))
        except TryLater as error:
            outcome = self._postpone(channel, delivery, reason=printable(error))
        except HandlerUnavailable:
            return  # stopping: unacknowledged, it goes back to the queue
        channel.basic_ack(method.delivery_tag)
        HANDLED.labels(self._queue.name, outcome).inc()
        self._slow_down(channel, postponed=outcome == "postponed")

    def _try_a_few_times(self, channel: BlockingChannel, message: IncomingMessage) -> None:
        if len(message.body) > _LARGEST_BODY:
            raise BadMessage(f"its body has {len(message.body)} bytes, {_LARGEST_BODY} at most")
        for pause in (*_PAUSES, None):
            try:
                return self._with_backoff(channel, partial(self._handle, message))
            except _HandlerFailed as failure:
                error = failure.__cause__
                logger.error("message %s: its handler failed", message.message_id, exc_info=error)
                if pause is None:
                    raise BadMessage(f"its handler failed: {describe(error or failure)}") from error
            self._pause(channel, pause)
            if self._stopping.is_set():
                raise HandlerUnavailable("stopping")
        return None

    def _handle(self, message: IncomingMessage) -> None:
        """Keeps what the handler raises from being taken for a failure of our own connection."""
        try:
            self._handler(message)
        except (BadMessage, TryLater, HandlerUnavailable):
            raise
        except Exception as error:
            raise _HandlerFailed from error

    def _with_backoff(self, channel: BlockingChannel, work: Callable[[], T]) -> T:
        with_backoff = retrying(
            errors=(HandlerUnavailable,),
            stopping=self._stopping,
            longest=_LONGEST_PAUSE,
            sleep=partial(self._pause, channel),
            on_failure=lambda error: self._heartbeat.waiting(printable(error)),
        )
        return with_backoff(work)

    def _pause(self, channel: BlockingChannel, seconds: float) -> None:
        """Heartbeats must go on, or the broker takes us for dead and redelivers."""
        channel.connection.process_data_events(time_limit=seconds)
        self._heartbeat.again()

    def _slow_down(self, channel: BlockingChannel, *, postponed: bool) -> None:
        """If message after message is postponed, the messages are probably not at fault."""
        self._later_in_a_row = self._later_in_a_row + 1 if postponed else 0
        if self._later_in_a_row > 1:
            self._pause(channel, min(0.1 * 2.0 ** min(self._later_in_a_row, 10), _LONGEST_PAUSE))

    def _postpone(self, channel: BlockingChannel, delivery: "_Delivery", *, reason: str) -> str:
        retries = _retries(delivery.properties.headers)
        if retries >= self._queue.most_retries:
            return self._bury(channel, delivery, reason=f"{reason} (tried {retries + 1} times)")
        logger.warning(
            "message %s is tried again later: %s", delivery.properties.message_id, reason
        )
        marks = {RETRIES_HEADER: retries + 1, REASON_HEADER: reason}
        self._move(channel, delivery, to=self._queue.retry_queue, marks=marks)
        return "postponed"

    def _bury(self, channel: BlockingChannel, delivery: "_Delivery", *, reason: str) -> str:
        logger.error("message %s is dead: %s", delivery.properties.message_id, reason)
        marks = {REASON_HEADER: reason}
        self._move(channel, delivery, to=self._queue.dead_letter_queue, marks=marks)
        return "dead"

    def _move(
        self,
        channel: BlockingChannel,
        delivery: "_Delivery",
        *,
        to: str,
        marks: Mapping[str, Any],
    ) -> None:
        """Confirmed before the original is acknowledged; at worst it is in both queues."""
        properties = forwarded(delivery.properties, without=MARKS, marks=marks)
        channel.basic_publish("", to, delivery.body, properties, mandatory=True)


def _text(value: str | bytes | None) -> str | None:
    """pika gives bytes where a short string is not UTF-8."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _retries(headers: Mapping[str, Any] | None) -> int:
    """How often a message was postponed; 0 if the header isn't one of ours."""
    found = (headers or {}).get(RETRIES_HEADER)
    return found if isinstance(found, int) and found > 0 else 0


def _count(channel: BlockingChannel, queue: str) -> int:
    answer: Any = channel.queue_declare(queue, passive=True)
    return int(answer.method.message_count)


class _Delivery(NamedTuple):
    method: Basic.Deliver
    properties: pika.BasicProperties
    body: bytes
