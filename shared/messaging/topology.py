"""Every exchange, queue and binding, declared in this one place by whoever connects.

The same arguments on RabbitMQ 3.10 to 4.x. Quorum queues keep messages through a broker's restart
or loss; `reject-publish` is what at-least-once dead lettering demands of them.
"""

from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

EVENTS_EXCHANGE = "events"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A work queue bound to an exchange, and the queue that takes what can't be processed."""

    name: str
    exchange: str
    binding_key: str
    delivery_limit: int = 20

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


EVENTS_QUEUE = Queue(name="booking-service.events", exchange=EVENTS_EXCHANGE, binding_key="event.*")
_QUEUES = (EVENTS_QUEUE,)


def declare(channel: BlockingChannel) -> None:
    """Declare all of it; idempotent. Raises `ChannelClosedByBroker` (406) on other arguments.

    Publishers declare the queues too: a message that is published before the first consumer ever
    started must find its queue.
    """
    for queue in _QUEUES:
        channel.exchange_declare(queue.exchange, exchange_type="topic", durable=True)
        channel.queue_declare(
            queue.dead_letter_queue, durable=True, arguments={"x-queue-type": "quorum"}
        )
        channel.queue_declare(queue.name, durable=True, arguments=queue.arguments)
        channel.queue_bind(queue.name, queue.exchange, queue.binding_key)
