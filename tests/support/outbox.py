"""The outbox of a service, message by message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.outbox.lines import read_line
from shared.outbox.models import OutboxEntry


@dataclass(frozen=True)
class StoredMessage:
    entry_id: int
    exchange: str
    message_id: str
    routing_key: str
    ordering_key: str
    headers: Mapping[str, Any]
    body: Mapping[str, Any]
    published_at: datetime | None
    set_aside_at: datetime | None
    failure: str


def stored() -> list[StoredMessage]:
    """In the order in which they are published."""
    return [
        StoredMessage(
            entry_id=entry.pk,
            exchange=entry.exchange,
            message_id=line.message_id,
            routing_key=line.routing_key,
            ordering_key=line.ordering_key,
            headers=orjson.loads(line.headers),
            body=orjson.loads(line.body),
            published_at=entry.published_at,
            set_aside_at=entry.set_aside_at,
            failure=entry.failure,
        )
        for entry in OutboxEntry.objects.order_by("pk")
        for line in map(read_line, entry.messages.split("\n"))
    ]


def unpublished() -> list[StoredMessage]:
    return [message for message in stored() if message.published_at is None]


def forget_all() -> None:
    OutboxEntry.objects.all().delete()


def rewrite(message: StoredMessage, **fields: str) -> None:
    """Replace fields of a stored message's line."""
    entry = OutboxEntry.objects.get(pk=message.entry_id)
    lines = [read_line(text) for text in entry.messages.split("\n")]
    entry.messages = "\n".join(
        "\t".join(line._replace(**fields) if line.message_id == message.message_id else line)
        for line in lines
    )
    entry.save()
