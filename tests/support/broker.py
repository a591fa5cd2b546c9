"""The RabbitMQ of `RABBITMQ_URL`, without our own code."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from shared.messaging.topology import EVENTS_EXCHANGE, EVENTS_QUEUE, declare
from tests.support.waiting import until


def with_wrong_password(url: str) -> str:
    """The URL of the same broker, which it refuses."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:wrong-password@{host}").geturl()


@dataclass(frozen=True)
class Message:
    routing_key: str
    properties: pika.BasicProperties
    body: bytes
    redelivered: bool


class Broker:
    queue = EVENTS_QUEUE.name
    dead_letter_queue = EVENTS_QUEUE.dead_letter_queue

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel: BlockingChannel = self._connection.channel()
        self.channel.confirm_delivery()

    def close(self) -> None:
        self._connection.close()

    def reset(self) -> None:
        """Our topology with empty queues."""
        self.delete_queues()
        declare(self.channel)

    def delete_queues(self) -> None:
        for name in (self.queue, self.dead_letter_queue, EVENTS_QUEUE.retry_queue):
            self.channel.queue_delete(name)

    def publish(
        self,
        body: bytes,
        *,
        message_id: str = "m",
        routing_key: str = "event.created",
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        properties = pika.BasicProperties(
            message_id=message_id, headers={"traceparent": "kept", **(headers or {})}
        )
        self.channel.basic_publish(EVENTS_EXCHANGE, routing_key, body, properties, mandatory=True)

    def take(self, queue: str | None = None) -> Message | None:
        """Removes and returns the first message of the queue; None if there is none."""
        method, properties, body = self.channel.basic_get(queue or self.queue, auto_ack=True)
        if method is None:
            return None
        return Message(method.routing_key, properties, body, method.redelivered)

    def wait_for_message(self, queue: str | None = None) -> Message:
        return until(lambda: self.take(queue), "a message in the queue")

    def take_all(self, queue: str | None = None) -> list[Message]:
        found = []
        while (message := self.take(queue)) is not None:
            found.append(message)
        return found

    def size(self, queue: str | None = None) -> int:
        """The number of ready messages, without those that a consumer holds."""
        answer: Any = self.channel.queue_declare(queue or self.queue, passive=True)
        return int(answer.method.message_count)

    def consumers(self) -> int:
        """The number of consumers. Messages of one that is no longer counted are ready again."""
        answer: Any = self.channel.queue_declare(self.queue, passive=True)
        return int(answer.method.consumer_count)

    def wait_until_empty(self, queue: str | None = None) -> None:
        until(lambda: self.size(queue) == 0, "an empty queue")


def broker_url() -> str:
    url = os.environ.get("RABBITMQ_URL")
    if not url:
        pytest.fail("RABBITMQ_URL is not set: run this as `python -m devstack exec -- pytest …`")
    return url


@contextmanager
def connected() -> Iterator[Broker]:
    broker = Broker(broker_url())
    try:
        broker.reset()
        yield broker
        broker.reset()
    finally:
        broker.close()
