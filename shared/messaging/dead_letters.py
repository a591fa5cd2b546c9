"""Messages that could not be processed: list them, send them back to their queue, or drop them."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, UnroutableError

from shared.formats.text import printable
from shared.messaging.connection import open_channel
from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.header_tables import forwarded
from shared.messaging.topology import Queue

REASON_HEADER = "x-reason"
RETRIES_HEADER = "x-retries"
MARKS = frozenset({REASON_HEADER, RETRIES_HEADER})
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`id` is the message id, or is made from the body if the sender gave none.

    `id`, `type` and `reason` are safe to show; `headers` and `body` are as the sender made them.
    `sent_at` is in UTC; None if it is missing or no such time exists.
    """

    id: str
    type: str
    reason: str
    sent_at: datetime | None
    headers: dict[str, Any]
    body: bytes


class UnknownDeadLetters(Exception):
    """There are no dead letters with these ids (or another process is holding them)."""

    def __init__(self, ids: Collection[str]) -> None:
        super().__init__(f"no dead letter has the id {', '.join(sorted(ids))}")


@dataclass(frozen=True)
class _Held:
    letter: DeadLetter
    tag: int
    properties: pika.BasicProperties


def dead_letters(*, url: str, queue: Queue) -> list[DeadLetter]:
    """All current dead letters, oldest first; they stay there. Raises `BrokerUnavailable`."""
    with _held(url, queue) as (_, held):
        return [each.letter for each in held]


def replay(*, url: str, queue: Queue, ids: Collection[str] | None) -> int:
    """Send dead letters back to `queue`: those with `ids`, or all. Returns how many.

    Each is removed only after the broker has confirmed it in `queue`; at worst it is in both.
    Raises `UnknownDeadLetters` before anything is moved, and `BrokerUnavailable`.
    """
    with _held(url, queue) as (channel, held):
        chosen = _chosen(held, ids)
        for each in chosen:
            _send_back(channel, queue, each)
            channel.basic_ack(each.tag)
        return len(chosen)


def drop(*, url: str, queue: Queue, ids: Collection[str] | None) -> int:
    """Delete dead letters for good: those with `ids`, or all. Returns how many.

    Raises `UnknownDeadLetters` before anything is dropped, and `BrokerUnavailable`.
    """
    with _held(url, queue) as (channel, held):
        chosen = _chosen(held, ids)
        for each in chosen:
            channel.basic_ack(each.tag)
        return len(chosen)


@contextmanager
def _held(url: str, queue: Queue) -> Iterator[tuple[BlockingChannel, list[_Held]]]:
    """Fetches all dead letters. Those not acknowledged at the end go back to their place."""
    channel = open_channel(url, timeout=_TIMEOUT_SECONDS)
    try:
        channel.confirm_delivery()
        held = []
        while True:
            method, properties, body = channel.basic_get(queue.dead_letter_queue)
            if method is None:
                break
            held.append(_Held(_letter(properties, body), method.delivery_tag, properties))
        yield channel, held
    except UnroutableError as error:
        raise Unroutable(f"{queue.name} is gone") from error
    except AMQPError as error:
        raise BrokerUnavailable(f"lost the connection: {error!r}") from error
    finally:
        if channel.connection.is_open:
            channel.connection.close()


def _letter(properties: pika.BasicProperties, body: bytes) -> DeadLetter:
    headers = dict(properties.headers or {})
    reason = headers.get(REASON_HEADER) or headers.get("x-first-death-reason") or "unknown"
    return DeadLetter(
        id=printable(properties.message_id or f"body-{hashlib.sha256(body).hexdigest()[:12]}"),
        type=printable(properties.type or ""),
        reason=printable(reason),
        sent_at=_moment(properties.timestamp),
        headers=headers,
        body=body,
    )


def _moment(timestamp: int | None) -> datetime | None:
    """AMQP timestamps have 64 bits, and most of them are beyond any calendar."""
    try:
        return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _chosen(held: Collection[_Held], ids: Collection[str] | None) -> list[_Held]:
    if ids is None:
        return list(held)
    unknown = set(ids) - {each.letter.id for each in held}
    if unknown:
        raise UnknownDeadLetters(unknown)
    return [each for each in held if each.letter.id in ids]


def _send_back(channel: BlockingChannel, queue: Queue, held: _Held) -> None:
    """As it first came, without its dead-letter headers, so its deliveries are counted anew."""
    properties = forwarded(held.properties, without=MARKS, marks={})
    channel.basic_publish("", queue.name, held.letter.body, properties, mandatory=True)
