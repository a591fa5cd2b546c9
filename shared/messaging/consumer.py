"""Consumes one queue while the process lives: reconnects, acknowledges after the handler."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pika
import tenacity
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import Basic

from shared.messaging.connection import open_channel
from shared.messaging.errors import BadMessage, BrokerUnavailable
from shared.messaging.topology import Queue

logger = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 30
_POLL_SECONDS = 0.5
_CONNECT_SECONDS = 5.0
_PREFETCH = 32


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    message_id: str | None
    routing_key: str
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
    """

    def __init__(self, *, url: str, queue: Queue, handler: Handler) -> None:
        self._url = url
        self._queue = queue
        self._handler = handler
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let `run` return after the message in hand. Safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until `stop`. Raises `TopologyMismatch`, and what the handler didn't expect."""
        connecting = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((BrokerUnavailable, AMQPError)),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=10),
            sleep=tenacity.sleep_using_event(self._stopping),
            stop=tenacity.stop_when_event_set(self._stopping),
            before_sleep=_log_pause,
            reraise=True,
        )
        while not self._stopping.is_set():
            try:
                channel = connecting(self._open)
            except BrokerUnavailable:
                break
            try:
                self._consume(channel)
            except AMQPError as error:
                logger.warning("connection to the broker lost: %r", error)
            finally:
                if channel.connection.is_open:
                    channel.connection.close()

    def _open(self) -> BlockingChannel:
        channel = open_channel(
            self._url,
            connect_timeout=_CONNECT_SECONDS,
            heartbeat=_HEARTBEAT_SECONDS,
            blocked_timeout=_CONNECT_SECONDS,
        )
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=_PREFETCH)
        logger.info("consuming %s", self._queue.name)
        return channel

    def _consume(self, channel: BlockingChannel) -> None:
        """Until `stop`, or until the broker cancels us (queue deleted, leader moved)."""
        for method, properties, body in channel.consume(
            self._queue.name, inactivity_timeout=_POLL_SECONDS
        ):
            if self._stopping.is_set():
                return
            if method is not None:
                self._take(channel, method, properties, body)

    def _take(
        self,
        channel: BlockingChannel,
        method: Basic.Deliver,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        message = IncomingMessage(
            message_id=properties.message_id, routing_key=method.routing_key, body=body
        )
        try:
            self._handle_patiently(channel, message)
        except BadMessage as error:
            logger.error("message %s is dead: %s", message.message_id, error)
            self._bury(channel, properties, body, reason=str(error))
        except HandlerUnavailable:
            return  # stopping: unacknowledged, it goes back to the queue
        channel.basic_ack(method.delivery_tag)

    def _handle_patiently(self, channel: BlockingChannel, message: IncomingMessage) -> None:
        def pause(seconds: float) -> None:
            # Heartbeats must go on, or the broker takes us for dead and redelivers.
            channel.connection.process_data_events(time_limit=seconds)

        tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(HandlerUnavailable),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            sleep=pause,
            stop=tenacity.stop_when_event_set(self._stopping),
            before_sleep=_log_pause,
            reraise=True,
        )(self._handler, message)

    def _bury(
        self,
        channel: BlockingChannel,
        properties: pika.BasicProperties,
        body: bytes,
        *,
        reason: str,
    ) -> None:
        """Confirmed before the original is acknowledged: at worst it is buried twice."""
        properties.headers = {**(properties.headers or {}), "x-reason": reason[:1000]}
        properties.delivery_mode = pika.DeliveryMode.Persistent.value
        channel.basic_publish("", self._queue.dead_letter_queue, body, properties, mandatory=True)


def _log_pause(state: tenacity.RetryCallState) -> None:
    if state.outcome is not None and state.next_action is not None:
        logger.warning(
            "%s; trying again in %.1f s", state.outcome.exception(), state.next_action.sleep
        )
