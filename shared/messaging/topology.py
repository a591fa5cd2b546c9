"""Every exchange, queue and binding, defined here and declared by every process that connects.

The arguments are the same on RabbitMQ 3.10 to 4.x. Quorum queues keep messages when a broker
restarts or is lost; at-least-once dead lettering requires `reject-publish` of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.channel import Channel

EVENTS_EXCHANGE = "events"
BOOKINGS_EXCHANGE = "bookings"

# No one has to listen here: a message that no queue takes still counts as published.
BROADCASTS = frozenset({BOOKINGS_EXCHANGE})

# RabbitMQ 4 drops a message of a quorum queue after 20 deliveries unless told otherwise, and
# looking at a dead letter is a delivery. 3.10 understands no value for "unlimited".
_NEVER_DROPPED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A work queue bound to an exchange, the queue that takes what can't be processed, and the
    queue in which a message waits until it is tried again, `retry_seconds` later."""

    name: str
    exchange: str
    binding_keys: tuple[str, ...]
    delivery_limit: int = 20
    retry_seconds: int = 30
    most_retries: int = 60

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.name}.dead"

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self.delivery_limit,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead_letter_queue,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }

    @property
    def retry_queue(self) -> str:
        return f"{self.name}.retry"

    @property
    def retry_arguments(self) -> dict[str, Any]:
        """The broker moves a message back to the work queue when it has expired here."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": _NEVER_DROPPED,
            "x-message-ttl": self.retry_seconds * 1000,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }

    @property
    def dead_letter_arguments(self) -> dict[str, Any]:
        return {"x-queue-type": "quorum", "x-delivery-limit": _NEVER_DROPPED}


EVENTS_QUEUE = Queue(
    name="booking-service.events", exchange=EVENTS_EXCHANGE, binding_keys=("event.*",)
)
NOTIFICATIONS_QUEUE = Queue(
    name="booking-service.notifications",
    exchange=BOOKINGS_EXCHANGE,
    binding_keys=("booking.promoted", "booking.cancelled"),
)
QUEUES = (EVENTS_QUEUE, NOTIFICATIONS_QUEUE)


def declare(channel: BlockingChannel) -> None:
    """Declare everything; idempotent. Raises `ChannelClosedByBroker` (406) on other arguments.

    Publishers declare the queues too: a message that is published before the first consumer has
    ever started must find its queue.
    """
    for method, arguments in _declarations():
        getattr(channel, method)(**arguments)


def declare_on(channel: Channel, *, then: Callable[[], None]) -> None:
    """The same on a non-blocking channel; `then` is called when everything is declared."""
    *others, (last, last_arguments) = _declarations()
    for method, arguments in others:
        getattr(channel, method)(**arguments, callback=lambda _: None)
    getattr(channel, last)(**last_arguments, callback=lambda _: then())


def _declarations() -> list[tuple[str, dict[str, Any]]]:
    steps: list[tuple[str, dict[str, Any]]] = []
    for queue in QUEUES:
        exchange = {"exchange": queue.exchange, "exchange_type": "topic", "durable": True}
        steps.append(("exchange_declare", exchange))
        steps += [
            ("queue_declare", {"queue": name, "durable": True, "arguments": arguments})
            for name, arguments in (
                (queue.dead_letter_queue, queue.dead_letter_arguments),
                (queue.name, queue.arguments),
                (queue.retry_queue, queue.retry_arguments),
            )
        ]
        steps += [
            ("queue_bind", {"queue": queue.name, "exchange": queue.exchange, "routing_key": key})
            for key in queue.binding_keys
        ]
    return steps
