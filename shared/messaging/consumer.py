"""Consumes one queue for the life of the process: reconnects, acknowledges after the handler."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from shared.commands.backoff import retrying
from shared.formats.text import describe, printable
from shared.messaging.connection import open_channel
from shared.messaging.errors import (
    BadMessage,
    BrokerUnavailable,
    HandleAlone,
    HandlerUnavailable,
    TryLater,
)
from shared.messaging.inbox import Delivery, Inbox
from shared.messaging.incoming import Failures, Handler, IncomingMessage
from shared.messaging.metrics import DEAD_LETTERS, HANDLED, QUEUED
from shared.messaging.rejection import POSTPONED, dead_letter, postpone
from shared.messaging.topology import Queue
from shared.observability.request_id import bound
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

# After background work has failed unexpectedly.
_PAUSE_OF_BACKGROUND_WORK = 10.0
_LONGEST_PAUSE = 5.0


class _HandlerFailed(Exception):
    """The handler raised an unexpected exception, which is the cause of this one."""


class Consumer:
    """Hands messages to `handler`, at most `batch_size` at once, in the order of the queue, and
    acknowledges them when it has returned.

    The handler returns the failures, by message. What it can say about a message, and what becomes
    of it:

    - nothing: it was handled.
    - `BadMessage`: it goes to the dead-letter queue, with the reason in its headers.
    - `HandlerUnavailable`: it is kept and tried again, with growing pauses. Later messages wait
      too, because the handler couldn't process them either.
    - `TryLater`: it goes to the retry queue and comes back `retry_seconds` later, behind others;
      after `most_retries` it becomes a dead letter.
    - `HandleAlone`: it is handed over again, in a batch of its own.
    - Any other `Exception`: a bug in the handler, or an unforeseen message. It is tried three times
      in a row, alone, then becomes a dead letter. Each traceback is logged.

    The handler may also raise these. If it raises `HandlerUnavailable`, the whole batch is tried
    again. If it raises something else, nobody knows which message was the reason, so each is handed
    over again alone. What it raises for a single message is about that message. So a message may be
    handed over again after it was handled.

    A message that ends the process is redelivered until the queue's delivery limit makes it a dead
    letter. Messages that were delivered before are handled one by one (see `Inbox`).

    `background_work` is called between batches, twice a second, or at once while there is more to
    do. It does one bounded piece of other work and returns whether there is more. What it raises is
    logged and stops nothing; it is called again later.
    """

    def __init__(
        self,
        *,
        url: str,
        queue: Queue,
        handler: Handler,
        heartbeat: Heartbeat,
        batch_size: int = 1,
        background_work: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handler = handler
        self._heartbeat = heartbeat
        self._batch_size = batch_size
        self._background_work = background_work
        self._shutdown = threading.Event()
        self._looked_at = 0.0
        self._had_messages = False
        self._idle = True
        self._postponed_in_a_row = 0
        self._background_work_at = 0.0
        self._hindered = False

    def stop(self) -> None:
        """Make `run` return after the current batch."""
        self._shutdown.set()

    def run(self) -> None:
        """Consume until `stop`. Raises `TopologyMismatch`."""
        connecting = retrying(
            errors=(BrokerUnavailable, AMQPError),
            shutdown=self._shutdown,
            longest=10,
            on_failure=self._report_broker_away,
        )
        while not self._shutdown.is_set():
            try:
                channel = connecting(self._open)
            except (BrokerUnavailable, AMQPError):
                break
            try:
                self._consume(channel)
            except AMQPError as error:
                logger.warning("connection to the broker lost: %r", error)
                self._report_broker_away(error)
            finally:
                if channel.connection.is_open:
                    channel.connection.close()

    def _open(self) -> BlockingChannel:
        channel = open_channel(self._url, timeout=_CONNECT_SECONDS)
        channel.confirm_delivery()
        logger.info("consuming %s", self._queue.name)
        return channel

    def _consume(self, channel: BlockingChannel) -> None:
        """Until `stop`, or until messages can only be had by consuming anew."""
        self._had_messages = False
        inbox = Inbox(channel, self._queue, batch_size=self._batch_size)
        more = True
        while not self._shutdown.is_set() and not inbox.is_cancelled:
            self._report_working()
            if batch := inbox.take():
                self._idle = False
                self._process(channel, batch)
            if more or time.monotonic() >= self._background_work_at:
                more = self._work_in_background()
            if inbox.must_reopen:
                logger.info("%s has messages that were delivered before", self._queue.name)
                break
            if self._is_stalled(channel):
                logger.warning("%s has messages, delivers none: consuming anew", self._queue.name)
                break
            at_once = more or not inbox.is_empty
            channel.connection.process_data_events(time_limit=0 if at_once else _IDLE_SECONDS)

    def _report_working(self) -> None:
        if self._hindered:
            self._heartbeat.again()
        else:
            self._heartbeat.working("look for messages")

    def _report_broker_away(self, error: BaseException) -> None:
        self._heartbeat.waiting(f"connecting to the broker: {describe(error)}")

    def _is_stalled(self, channel: BlockingChannel) -> bool:
        """Whether there are messages, as at the last look, and none was delivered in between.

        When a queue was deleted and declared again, RabbitMQ 3.10 may resubscribe a consumer
        automatically and then deliver nothing to it.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return False
        DEAD_LETTERS.labels(self._queue.name).set(_count(channel, self._queue.dead_letter_queue))
        waiting = _count(channel, self._queue.name)
        QUEUED.labels(self._queue.name).set(waiting)
        before, self._had_messages = self._had_messages, waiting > 0
        idle, self._idle = self._idle, True
        self._looked_at = time.monotonic()
        return before and self._had_messages and idle

    def _work_in_background(self) -> bool:
        """Returns whether there is more to do at once. A failure holds up no messages."""
        self._background_work_at = time.monotonic() + _IDLE_SECONDS
        self._report_working()
        try:
            more = self._background_work()
        except HandlerUnavailable as error:
            logger.warning("background work has to wait: %s", error)
            self._heartbeat.waiting(printable(error))
            self._hindered, more = True, False
            self._background_work_at = time.monotonic() + _LONGEST_PAUSE
        except Exception:  # TryLater among them
            logger.exception("background work failed")
            self._hindered, more = False, False
            self._background_work_at = time.monotonic() + _PAUSE_OF_BACKGROUND_WORK
        else:
            self._hindered = False
        return more

    def _process(self, channel: BlockingChannel, batch: Sequence[Delivery]) -> None:
        self._hindered = False
        self._heartbeat.working("handle messages")
        done: list[Delivery] = []
        try:
            failures = self._try_together(channel, [delivery.message for delivery in batch])
            for delivery in batch:
                failure = failures.get(delivery.message)
                if failure is not None:
                    # What follows may take long, or end the process. Those before it are done.
                    self._acknowledge(channel, done)
                    done = []
                    with bound(delivery.message.request_id):
                        failure = self._settle(channel, delivery, failure)
                if failure is None:
                    done.append(delivery)
        except HandlerUnavailable:
            pass  # shutdown: what is not acknowledged goes back to the queue
        self._acknowledge(channel, done)

    def _settle(
        self, channel: BlockingChannel, delivery: Delivery, failure: Exception
    ) -> Exception | None:
        """Try a message that failed in its batch alone, unless it is known what becomes of it. What
        fails for good is rejected. Raises `HandlerUnavailable` at shutdown."""
        final = failure if isinstance(failure, BadMessage | TryLater) else None
        final = final or self._try_alone(channel, delivery.message)
        if final is not None:
            self._reject(channel, delivery, final)
        return final

    def _try_together(
        self, channel: BlockingChannel, messages: Sequence[IncomingMessage]
    ) -> Failures:
        """Raises `HandlerUnavailable` at shutdown. What is left to try is `HandleAlone`."""
        too_large = {
            message: BadMessage(f"its body has {len(message.body)} bytes, {_LARGEST_BODY} at most")
            for message in messages
            if len(message.body) > _LARGEST_BODY
        }
        others = [message for message in messages if message not in too_large]
        if len(others) < 2:
            return {**too_large, **dict.fromkeys(others, HandleAlone())}
        try:
            failures = self._with_backoff(channel, partial(self._handle, others))
        except (BadMessage, TryLater, HandleAlone, _HandlerFailed) as error:
            logger.warning("a batch of %d failed, each is tried alone: %r", len(others), error)
            failures = dict.fromkeys(others, HandleAlone())
        return {**too_large, **failures}

    def _try_alone(
        self, channel: BlockingChannel, message: IncomingMessage
    ) -> BadMessage | TryLater | None:
        """Raises `HandlerUnavailable` at shutdown."""
        for pause in (*_PAUSES, None):
            if self._shutdown.is_set():
                raise HandlerUnavailable("shutdown")
            try:
                self._with_backoff(channel, partial(self._handle_one, message))
            except (BadMessage, TryLater) as failure:
                return failure
            except _HandlerFailed as failure:
                error = failure.__cause__
                logger.error("message %s: its handler failed", message.message_id, exc_info=error)
                if pause is None:
                    return BadMessage(f"its handler failed: {describe(error or failure)}")
            else:
                return None
            self._pause(channel, pause)
        return None

    def _handle_one(self, message: IncomingMessage) -> None:
        """Raises what the handler raised or returned for it."""
        failure = self._handle([message]).get(message)
        if isinstance(failure, BadMessage | TryLater | HandlerUnavailable):
            raise failure
        if failure is not None:
            raise _HandlerFailed from failure

    def _handle(self, messages: Sequence[IncomingMessage]) -> Failures:
        """Keeps what the handler raises from being taken for a failure of our own connection."""
        try:
            return self._handler(messages)
        except (BadMessage, TryLater, HandlerUnavailable):
            raise
        except Exception as error:
            raise _HandlerFailed from error

    def _with_backoff(self, channel: BlockingChannel, work: Callable[[], T]) -> T:
        with_backoff = retrying(
            errors=(HandlerUnavailable,),
            shutdown=self._shutdown,
            longest=_LONGEST_PAUSE,
            sleep=partial(self._pause, channel),
            on_failure=lambda error: self._heartbeat.waiting(printable(error)),
        )
        return with_backoff(work)

    def _pause(self, channel: BlockingChannel, seconds: float) -> None:
        """Heartbeats must go on, or the broker takes us for dead and redelivers."""
        channel.connection.process_data_events(time_limit=seconds)
        self._heartbeat.again()

    def _acknowledge(self, channel: BlockingChannel, done: Sequence[Delivery]) -> None:
        """They and all before them: nothing else is unacknowledged."""
        if done:
            channel.basic_ack(done[-1].method.delivery_tag, multiple=True)
            HANDLED.labels(self._queue.name, "done").inc(len(done))
            self._postponed_in_a_row = 0

    def _reject(
        self, channel: BlockingChannel, delivery: Delivery, failure: BadMessage | TryLater
    ) -> None:
        move = postpone if isinstance(failure, TryLater) else dead_letter
        outcome = move(channel, self._queue, delivery, reason=printable(failure))
        channel.basic_ack(delivery.method.delivery_tag)
        HANDLED.labels(self._queue.name, outcome).inc()
        self._slow_down(channel, is_postponed=outcome == POSTPONED)

    def _slow_down(self, channel: BlockingChannel, *, is_postponed: bool) -> None:
        """If message after message is postponed, the messages are probably not at fault."""
        self._postponed_in_a_row = self._postponed_in_a_row + 1 if is_postponed else 0
        if self._postponed_in_a_row > 1 and not self._shutdown.is_set():
            doubled = 0.1 * 2.0 ** min(self._postponed_in_a_row, 10)
            self._pause(channel, min(doubled, _LONGEST_PAUSE))


def _count(channel: BlockingChannel, queue: str) -> int:
    answer: Any = channel.queue_declare(queue, passive=True)
    return int(answer.method.message_count)
