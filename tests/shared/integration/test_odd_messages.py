"""Odd messages that a broker accepts: what they do to the consumer and to the list of dead
letters."""

import os
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pika
import pika.data
import pytest

from shared.messaging.dead_letters import DeadLetter, dead_letters, drop, replay
from shared.messaging.errors import BadMessage
from shared.messaging.incoming import IncomingMessage
from shared.messaging.topology import EVENTS_QUEUE, NOTIFICATIONS_QUEUE
from tests.support.broker import Broker, Message
from tests.support.consumer import Running, one_by_one
from tests.support.waiting import until


class Raw(bytes):
    """A header's value as it is sent: its type, and the bytes of that type."""


def nested(levels: int) -> Raw:
    """A table in a table in a table."""
    table = b"\x00\x00\x00\x00"
    for _ in range(levels):
        member = b"\x01kF" + table
        table = struct.pack(">I", len(member)) + member
    return Raw(b"F" + table)


@pytest.fixture
def raw_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets pika send values that it has no type for."""
    encode = pika.data.encode_value

    def encode_value(pieces: list[bytes], value: Any) -> int:
        if isinstance(value, Raw):
            pieces.append(value)
            return len(value)
        return encode(pieces, value)

    monkeypatch.setattr(pika.data, "encode_value", encode_value)


def send(broker: Broker, body: bytes = b"bad", **properties: Any) -> None:
    broker.channel.basic_publish(
        "events", "event.created", body, pika.BasicProperties(**properties), mandatory=True
    )


def letters(broker: Broker) -> list[DeadLetter]:
    return dead_letters(url=broker.url, queue=EVENTS_QUEUE)


@pytest.fixture(autouse=True)
def _nobody_else_has_any(broker: Broker) -> None:
    """`CC` may have sent one there."""
    broker.channel.queue_purge(NOTIFICATIONS_QUEUE.name)


@pytest.fixture
def handled() -> list[bytes]:
    return []


@pytest.fixture
def running(broker: Broker, handled: list[bytes], raw_headers: None) -> Iterator[Running]:
    def handle(message: IncomingMessage) -> None:
        if message.body != b"good":
            raise BadMessage("as always")
        handled.append(message.body)

    running = Running(broker.url, one_by_one(handle), batch_size=10)
    yield running
    running.stop()
    assert running.error is None


def dead(broker: Broker) -> Message:
    return broker.wait_for_message(EVENTS_QUEUE.dead_letter_queue)


ODD_PROPERTIES: dict[str, dict[str, Any]] = {
    "a timestamp beyond all calendars": {"timestamp": 2**62},
    "a timestamp before any": {"timestamp": 2**64 - 1},
    "an id with a line break and an escape": {"message_id": "m\n\x1b[2J forged"},
    "an id that is not UTF-8": {"message_id": b"\xff\xfe"},
    "an empty id": {"message_id": ""},
    "the longest id": {"message_id": "x" * 255},
    "a type with a line break": {"type": "event.created\nforged"},
    "another type of content": {"content_type": "text/html", "content_encoding": "gzip"},
    "a priority": {"priority": 255},
    "an hour to live": {"expiration": "3600000"},
    # The broker takes no other one than that of the connection.
    "a user": {"user_id": urlsplit(os.environ.get("RABBITMQ_URL", "")).username or "guest"},
    "not persistent": {"delivery_mode": 1},
    "answers wanted": {"reply_to": "amq.rabbitmq.reply-to.x", "correlation_id": "c"},
    "a header for a timestamp beyond all calendars": {
        "headers": {"at": Raw(b"T" + struct.pack(">Q", 2**62))}
    },
    "a thousand tables in each other": {"headers": {"deep": nested(1000)}},
    "headers that are our own marks": {"headers": {"x-reason": 7, "x-retries": "many"}},
    "headers that are the broker's marks": {
        "headers": {"x-death": "x", "x-first-death-reason": ["y"], "x-delivery-count": "z"}
    },
    "a header's name that is not UTF-8": {"headers": {b"\xff": b"\xff"}},
    "more addresses": {"headers": {"CC": [NOTIFICATIONS_QUEUE.name]}},
    "nothing as a header": {"headers": {"x": None, "y": [None, {"z": []}]}},
    "100,000 bytes of headers": {"headers": {"x": "y" * 100_000}},
}


@pytest.mark.parametrize("properties", ODD_PROPERTIES.values(), ids=ODD_PROPERTIES.keys())
class TestWhoeverSends:
    def test_costs_the_consumer_only_that_message(
        self, properties: dict[str, Any], broker: Broker, running: Running, handled: list[bytes]
    ) -> None:
        send(broker, **properties)
        send(broker, b"good")

        until(lambda: handled, "message behind it")

        found = dead(broker)
        assert found.body == b"bad"
        assert found.properties.headers["x-reason"] == "as always"
        assert found.properties.delivery_mode == 2
        assert found.properties.expiration is None, "a dead letter does not expire"
        assert found.properties.user_id is None, "the broker refuses another user's"
        assert broker.take(EVENTS_QUEUE.dead_letter_queue) is None
        assert broker.take(NOTIFICATIONS_QUEUE.name) is None, "nobody else gets it"

    def test_does_not_hide_the_other_dead_letters(
        self, properties: dict[str, Any], broker: Broker, raw_headers: None
    ) -> None:
        broker.channel.basic_publish(
            "", EVENTS_QUEUE.dead_letter_queue, b"odd", pika.BasicProperties(**properties)
        )
        broker.channel.basic_publish("", EVENTS_QUEUE.dead_letter_queue, b"other")

        until(lambda: len(letters(broker)) == 2, "both letters")
        odd, other = until(lambda: letters(broker), "letters")
        assert (odd.body, other.body) == (b"odd", b"other")
        assert all(text.isprintable() for text in (odd.id, odd.type, odd.reason))

        assert replay(url=broker.url, queue=EVENTS_QUEUE, ids=[odd.id]) == 1
        assert broker.wait_for_message().body == b"odd"
        until(lambda: len(letters(broker)) == 1, "the other in its place")
        assert drop(url=broker.url, queue=EVENTS_QUEUE, ids=[other.id]) == 1


BODIES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "NUL": lambda: b"\x00" * 100,
    "16 MB, which RabbitMQ 4 still takes": lambda: b"x" * 16_000_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_of_any_size_is_one_dead_letter(
    body: Callable[[], bytes], broker: Broker, running: Running, handled: list[bytes]
) -> None:
    send(broker, body())
    send(broker, b"good")

    until(lambda: handled, "message behind it")
    assert dead(broker).body == body()


def test_a_body_that_is_too_large_never_reaches_the_handler(broker: Broker) -> None:
    seen = threading.Event()
    running = Running(broker.url, one_by_one(lambda message: seen.set()))
    send(broker, b"x" * (1024 * 1024 + 1))

    reason = dead(broker).properties.headers["x-reason"]

    assert reason == "its body has 1048577 bytes, 1048576 at most"
    assert not seen.is_set()
    running.stop()
