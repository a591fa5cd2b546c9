"""Publishes with confirms, and never keeps its caller longer than it was told to."""

import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, NackError, UnroutableError

from shared.messaging.connection import open_channel
from shared.messaging.errors import BrokerUnavailable, Unroutable

logger = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """`body` is JSON; `created_at` becomes the message's timestamp (whole seconds)."""

    message_id: str
    exchange: str
    routing_key: str
    body: bytes
    created_at: datetime


class Publisher:
    """One connection in one thread of its own.

    pika waits for a confirm without a limit, so the waiting is done in that thread and the caller
    waits for the thread. While the thread is stuck (a frozen broker), further calls fail at once.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        """`timeout` is in seconds and bounds each call of `publish` as a whole."""
        self._url = url
        self._timeout = timeout
        self._channel: BlockingChannel | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publisher")
        self._stuck = False

    def publish(self, message: OutgoingMessage) -> None:
        """Returns when the broker has confirmed and routed `message`.

        Raises `Unroutable`, or `BrokerUnavailable`; it may have been published in the latter case,
        and publishing it again is the caller's task (delivery is at least once).
        """
        if self._stuck:
            raise BrokerUnavailable("still waiting for an earlier confirm")
        attempt = self._thread.submit(self._publish, message)
        try:
            attempt.result(timeout=self._timeout)
        except FutureTimeout:
            self._stuck = True
            attempt.add_done_callback(lambda _: setattr(self, "_stuck", False))
            raise BrokerUnavailable(f"no confirm within {self._timeout} s") from None

    def close(self) -> None:
        self._thread.submit(self._drop_connection).result(timeout=self._timeout)
        self._thread.shutdown(wait=False)

    def _publish(self, message: OutgoingMessage) -> None:
        channel = self._living_channel()
        try:
            channel.basic_publish(
                exchange=message.exchange,
                routing_key=message.routing_key,
                body=message.body,
                properties=_properties(message),
                mandatory=True,
            )
        except UnroutableError as error:
            raise Unroutable(f"no queue takes {message.routing_key}") from error
        except (AMQPError, NackError, OSError) as error:
            self._drop_connection()
            raise BrokerUnavailable(f"lost while publishing: {error!r}") from error

    def _living_channel(self) -> BlockingChannel:
        """The open channel, if the broker still has its other end: it drops whoever is silent for
        two heartbeats, which a quiet publisher notices only when it looks."""
        if self._channel is not None:
            try:
                self._channel.connection.process_data_events(time_limit=0)
            except (AMQPError, OSError):
                self._drop_connection()
        if self._channel is None or not self._channel.is_open:
            self._channel = self._open()
        return self._channel

    def _open(self) -> BlockingChannel:
        channel = open_channel(
            self._url,
            connect_timeout=self._timeout,
            heartbeat=_HEARTBEAT_SECONDS,
            blocked_timeout=self._timeout,
        )
        channel.confirm_delivery()
        return channel

    def _drop_connection(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None and channel.connection.is_open:
            with suppress(AMQPError, OSError):
                channel.connection.close()


def _properties(message: OutgoingMessage) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=message.message_id,
        timestamp=int(message.created_at.timestamp()),
        type=message.routing_key,
    )
