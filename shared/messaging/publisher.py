"""Publishes with confirms, and never blocks its caller for longer than it was told to."""

import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import takewhile

import pika
from pika.channel import Channel
from pika.exceptions import ShortStringTooLong, UnsupportedAMQPFieldException
from pika.frame import Method
from pika.spec import Basic

from shared.formats.text import describe
from shared.messaging.errors import (
    BrokerUnavailable,
    ChannelRefused,
    NotPublished,
    Unpublishable,
    Unroutable,
)
from shared.messaging.reconnecting import ConnectionFailure, ReconnectingConnection
from shared.messaging.topology import BROADCASTS

# What pika raises for a message that AMQP can't express: a key above 255 bytes, a header of a type
# that AMQP lacks, a number beyond 64 bits, a lone surrogate.
_UNENCODABLE = (
    ShortStringTooLong,
    UnsupportedAMQPFieldException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """`body` is JSON; `created_at` becomes the message's timestamp (whole seconds)."""

    message_id: str
    exchange: str
    routing_key: str
    headers: Mapping[str, str]
    body: bytes
    created_at: datetime


class Publisher:
    """Opens its link on first use, so it may be created before a fork."""

    def __init__(self, url: str, *, timeout: float) -> None:
        """`timeout` is in seconds and bounds each call of `publish` as a whole."""
        self._url = url
        self._timeout = timeout
        self._turn = threading.Lock()
        self._link: ReconnectingConnection | None = None
        self._batch = _Batch([])
        self._careful = False

    def require_open(self) -> None:
        """Wait until it is known whether the broker can be reached, for at most the timeout.

        Raises `BrokerUnavailable` or `TopologyMismatch`.
        """
        with self._turn:
            self._opened().require_open(timeout=self._timeout)

    def publish(self, messages: Sequence[OutgoingMessage]) -> list[NotPublished | None]:
        """Send `messages` in their order, all at once, and wait for their confirms.

        An outcome is None if the broker has confirmed and routed the message, else the reason why
        not. After `BrokerUnavailable` the message may still have arrived: publishing it again is
        the caller's task (delivery is at least once). `Unroutable` and `Unpublishable` concern
        that one message.

        If the broker refuses one of many, it doesn't say which, and all unconfirmed ones are lost
        with the channel. The next call sends them one by one, and so finds it.
        """
        deadline = time.monotonic() + self._timeout
        with self._turn:
            if self._careful:
                return self._publish_one_by_one(messages, deadline)
            outcomes = self._publish_at_once(messages, deadline)
            self._careful = any(isinstance(outcome, ChannelRefused) for outcome in outcomes)
            return outcomes

    def _publish_one_by_one(
        self, messages: Sequence[OutgoingMessage], deadline: float
    ) -> list[NotPublished | None]:
        """Stops at the first that fails. The topology was declared again on this channel, so a
        refusal is due to the message and not to a deleted exchange."""
        outcomes: list[NotPublished | None] = []
        for message in messages:
            (outcome,) = self._publish_at_once([message], deadline)
            if isinstance(outcome, ChannelRefused) and self._batch.was_sent:
                outcome = Unpublishable(str(outcome))
            outcomes.append(outcome)
            if isinstance(outcome, BrokerUnavailable | Unpublishable):
                break
        else:
            self._careful = False
        untried = len(messages) - len(outcomes)
        return outcomes + [BrokerUnavailable("its turn did not come") for _ in range(untried)]

    def _publish_at_once(
        self, messages: Sequence[OutgoingMessage], deadline: float
    ) -> list[NotPublished | None]:
        batch = self._batch = _Batch(messages)
        link = self._opened()
        try:
            link.require_open(timeout=deadline - time.monotonic())
        except NotPublished as failure:
            return [failure for _ in messages]
        link.call(partial(batch.send, link))
        if not batch.settled.wait(deadline - time.monotonic()):
            link.suspect(BrokerUnavailable(f"no confirm within {self._timeout} s"))
        outcomes = batch.outcomes()
        if any(isinstance(outcome, Unroutable) for outcome in outcomes):
            link.call(link.declare)  # a queue was deleted: the next attempt finds it
        if batch.refused:
            # If a channel was opened while the queue's leader was away, RabbitMQ 3.10 refuses for
            # ever what it sends. A new channel finds the new leader.
            link.call(link.renew)
        return outcomes

    def _opened(self) -> ReconnectingConnection:
        self._link = self._link or ReconnectingConnection(
            self._url,
            on_confirm=self._on_confirm,
            on_return=self._on_return,
            on_failure=self._on_failure,
        )
        return self._link

    def close(self) -> None:
        """Waits no longer than `publish`. Messages unconfirmed by then count as unpublished."""
        if self._link is not None:
            self._link.close(timeout=self._timeout)

    def _on_confirm(self, frame: Method) -> None:
        self._batch.confirm(frame.method)

    def _on_return(
        self, channel: Channel, method: Basic.Return, properties: pika.BasicProperties, body: bytes
    ) -> None:
        self._batch.returned.add(properties.message_id)

    def _on_failure(self, failure: ConnectionFailure) -> None:
        self._batch.abandon(failure)


class _Batch:
    """Messages in flight. Only the link's thread changes them, except for `abandon`.

    Late confirms of an earlier batch don't matter: no delivery tag is used twice on a channel.
    """

    def __init__(self, messages: Sequence[OutgoingMessage]) -> None:
        self.settled = threading.Event()
        self.returned: set[str | None] = set()
        self.refused = False
        self.was_sent = False
        self._messages = messages
        self._unconfirmed: dict[int, OutgoingMessage] = {}
        self._outcomes: dict[str, NotPublished | None] = {}
        self._reason: NotPublished = BrokerUnavailable("it was not confirmed")

    def send(self, link: ReconnectingConnection) -> None:
        self.was_sent = True
        for message in self._messages:
            try:
                tag = link.publish(
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    body=message.body,
                    properties=_properties(message),
                    mandatory=message.exchange not in BROADCASTS,
                )
            except _UNENCODABLE as error:
                failure = Unpublishable(f"it can't be encoded: {describe(error)}")
                self._outcomes[message.message_id] = failure
            else:
                self._unconfirmed[tag] = message
        self._settle_if_complete()

    def confirm(self, answer: Basic.Ack | Basic.Nack) -> None:
        """A message that no queue took is returned before it is confirmed."""
        refused = isinstance(answer, Basic.Nack)
        for tag in self._answered(answer):
            message = self._unconfirmed.pop(tag)
            if refused:
                self.refused = True
                outcome: NotPublished | None = BrokerUnavailable("the broker refused it")
            elif message.message_id in self.returned:
                outcome = Unroutable(f"no queue takes {message.routing_key}")
            else:
                outcome = None
            self._outcomes[message.message_id] = outcome
        self._settle_if_complete()

    def _settle_if_complete(self) -> None:
        if len(self._outcomes) == len(self._messages):
            self.settled.set()

    def abandon(self, failure: NotPublished) -> None:
        self._reason = failure
        self.settled.set()

    def outcomes(self) -> list[NotPublished | None]:
        return [self._outcomes.get(message.message_id, self._reason) for message in self._messages]

    def _answered(self, answer: Basic.Ack | Basic.Nack) -> list[int]:
        """The unconfirmed tags are in the order in which they were sent."""
        if answer.multiple:
            return [*takewhile(lambda tag: tag <= answer.delivery_tag, self._unconfirmed)]
        return [tag for tag in (answer.delivery_tag,) if tag in self._unconfirmed]


def _properties(message: OutgoingMessage) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=message.message_id,
        timestamp=int(message.created_at.timestamp()),
        type=message.routing_key,
        headers=dict(message.headers),
    )
