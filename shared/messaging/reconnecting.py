"""A connection to RabbitMQ that lives in its own thread and keeps reopening itself.

    connecting ──► open ──► not open: lost, blocked by an alarm, or a confirm is overdue
        ▲           ▲           │   │
        └───────────┼─── lost ──┘   │
                    └───────────────┘ unblocked, or confirmed after all

Only the first caller waits for it. After a failure, callers are told so at once, until the link
itself has found the broker again. So it is a circuit breaker, and its own probe.
"""

import itertools
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pika
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByClient
from pika.frame import Method
from pika.spec import Basic

from shared.commands.backoff import retrying
from shared.formats.text import describe
from shared.messaging.connection import connection_parameters, is_senders_fault, refusal
from shared.messaging.errors import BrokerUnavailable, ChannelRefused, TopologyMismatch
from shared.messaging.joined_writes import JoinedWrites
from shared.messaging.topology import declare_on

logger = logging.getLogger(__name__)

ConnectionFailure = BrokerUnavailable | TopologyMismatch

_CONNECT_SECONDS = 5.0


class ReconnectingConnection:
    """All callbacks run in the link's own thread."""

    def __init__(
        self,
        url: str,
        *,
        on_confirm: Callable[[Method], None],
        on_return: Callable[[Channel, Basic.Return, pika.BasicProperties, bytes], None],
        on_failure: Callable[[ConnectionFailure], None],
    ) -> None:
        """`on_failure` is called when what was sent but not confirmed may not have arrived. It gets
        `ChannelRefused` if one of these messages was the reason."""
        self._parameters = connection_parameters(url, connect_timeout=_CONNECT_SECONDS)
        self._on_confirm = on_confirm
        self._on_return = on_return
        self._on_failure = on_failure
        self._tried = threading.Event()
        self._open = threading.Event()
        self._closing = threading.Event()
        self._failure: ConnectionFailure = BrokerUnavailable("not connected yet")
        self._connection: SelectConnection | None = None
        self._thread = threading.Thread(target=self._live, name="broker-link", daemon=True)
        self._thread.start()

    def require_open(self, *, timeout: float) -> None:
        """Waits at most `timeout` seconds, and only while nothing is known about the broker yet.
        After one failed wait, later callers don't wait.

        Raises `BrokerUnavailable` or `TopologyMismatch`.
        """
        if not self._tried.wait(timeout):
            self._failure = BrokerUnavailable(f"no connection within {timeout:.1f} s")
            self._tried.set()
        if not self._open.is_set():
            # A copy: each raise adds its frames, and all they hold, to the exception's traceback.
            raise type(self._failure)(*self._failure.args)

    def declare(self) -> None:
        """In the link's thread: declare the topology again."""
        if self._channel.is_open:
            self._declare(then=lambda: None)

    def call(self, work: Callable[[], None]) -> None:
        """Do `work` in the link's thread, unless the connection ends first, which `on_failure`
        reports."""

        def do() -> None:
            try:
                work()
            except Exception as error:
                logger.exception("work for the connection to the broker failed")
                self._fail(BrokerUnavailable(f"the connection failed: {describe(error)}"))
                self._hang_up()

        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(do)

    def suspect(self, failure: BrokerUnavailable) -> None:
        """A confirm is overdue. The connection is kept: either the confirm arrives and ends the
        suspicion, or missed heartbeats end the connection."""
        self._fail(failure)

    def renew(self) -> None:
        """In the link's thread: end the connection, and open another one."""
        self._fail(BrokerUnavailable("connecting again"))
        self._hang_up()

    def close(self, *, timeout: float) -> None:
        """Close the connection in an orderly way, in at most `timeout` seconds."""
        self._closing.set()
        self.call(self._hang_up)
        self._thread.join(timeout)

    def publish(self, **message: Any) -> int:
        """In the link's thread: `basic_publish`. Returns the delivery tag of its confirm, which is
        never used again. Does nothing if the channel is closed; `on_failure` has reported that.

        Raises what pika raises for a message that can't be encoded; nothing is sent then.
        """
        if self._channel.is_open:
            self._channel.basic_publish(**message)
        return next(self._tags)  # now: the broker counts only what was sent

    def _live(self) -> None:
        outages = (BrokerUnavailable, TopologyMismatch)
        with_backoff = retrying(errors=outages, shutdown=self._closing, longest=5)
        with suppress(*outages):
            while not self._closing.is_set():
                with_backoff(self._connect_and_serve)

    def _connect_and_serve(self) -> None:
        """Returns when an open connection has ended. Raises the reason if none could be opened."""
        self._was_open = False
        self._declaring = False
        self._connection = connection = SelectConnection(
            self._parameters,
            on_open_callback=self._on_connected,
            on_open_error_callback=self._on_ended,
            on_close_callback=self._on_ended,
            custom_ioloop=JoinedWrites(),
        )
        try:
            connection.ioloop.start()
        except Exception as error:
            # pika itself failed. Without this thread nothing would ever be published again.
            logger.exception("the connection to the broker failed")
            self._fail(BrokerUnavailable(f"the connection failed: {describe(error)}"))
            raise self._failure from error
        finally:
            self._connection = None
            connection.ioloop.close()
        if not self._was_open:
            raise self._failure

    def _on_connected(self, connection: SelectConnection) -> None:
        if self._closing.is_set():
            connection.close()
            return
        connection.add_on_connection_blocked_callback(
            lambda _, frame: self._fail(
                BrokerUnavailable(f"the broker takes no messages now: {frame.method.reason}")
            )
        )
        connection.add_on_connection_unblocked_callback(lambda *_: self._open.set())
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        self._tags = itertools.count(1)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._on_return)
        self._declare(
            then=lambda: channel.confirm_delivery(
                self._on_ack_or_nack, callback=lambda _: self._on_ready()
            )
        )

    def _declare(self, *, then: Callable[[], None]) -> None:
        def declared() -> None:
            self._declaring = False
            then()

        self._declaring = True
        declare_on(self._channel, then=declared)

    def _on_ready(self) -> None:
        self._was_open = True
        self._open.set()
        self._tried.set()
        logger.info("connected to the broker")

    def _on_ack_or_nack(self, frame: Method) -> None:
        self._open.set()
        self._on_confirm(frame)

    def _on_channel_closed(self, channel: Channel, reason: Exception) -> None:
        if not isinstance(reason, ChannelClosedByBroker):
            return
        if not self._declaring and is_senders_fault(reason):
            self._fail(ChannelRefused(f"the broker refused what was sent: {reason.reply_text}"))
        else:
            self._fail(refusal(reason))
        self._hang_up()

    def _on_ended(self, connection: SelectConnection, reason: BaseException) -> None:
        if isinstance(reason, ConnectionClosedByClient):
            # Messages that came since can't be sent any more, and were not the reason.
            self._on_failure(BrokerUnavailable(f"connecting again after: {self._failure}"))
        elif self._was_open and is_senders_fault(reason):
            self._fail(ChannelRefused(f"the broker refused what was sent: {reason!r}"))
        else:
            self._fail(BrokerUnavailable(f"no connection: {reason!r}"))
        connection.ioloop.stop()

    def _hang_up(self) -> None:
        """pika can't close a connection that is not open yet; that attempt is bounded."""
        connection = self._connection
        if connection is not None and connection.is_open:
            connection.close()

    def _fail(self, failure: ConnectionFailure) -> None:
        self._failure = failure
        self._open.clear()
        self._tried.set()
        self._on_failure(failure)
