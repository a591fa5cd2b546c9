"""Storing messages and getting them published. What is stored with a change is never lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from shared.json import dump_json
from shared.messaging.errors import NotPublished
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.outbox import statements
from shared.outbox.models import OutboxMessage

PUBLISH_BATCH = 500
PRUNE_BATCH = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """What is to be told. Messages of one `ordering_key` are published in the order they came."""

    exchange: str
    routing_key: str
    ordering_key: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def outbox_add(messages: Sequence[NewMessage]) -> None:
    """Store messages in the caller's transaction: they exist if and only if that one commits.

    One statement for all of them; the commit wakes the relays. Raises `RuntimeError` outside a
    transaction: a message without its change would be a lie.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("outbox_add belongs into the transaction of the change it tells of")
    if messages:
        statements.insert_and_notify(
            [
                (
                    message.exchange,
                    message.routing_key,
                    message.ordering_key,
                    dump_json(message.headers).decode(),
                    dump_json(message.body).decode(),
                )
                for message in messages
            ]
        )


def publish_pending(publisher: Publisher, *, wait: bool, limit: int = PUBLISH_BATCH) -> int:
    """Publish up to `limit` pending messages, oldest first, and mark them. Returns how many.

    One publisher at a time has its turn, so that the order is kept whoever publishes: with `wait`
    this one waits for its turn, else it leaves the messages to whoever has it.
    A message is marked when the broker has confirmed and routed it and all earlier ones of its
    ordering key are marked; so it may be published twice, and never before its predecessors.
    Raises the first `NotPublished`, after having marked what did arrive.
    """
    with transaction.atomic():
        if not statements.take_turn(wait=wait):
            return 0
        pending = OutboxMessage.objects.filter(published_at__isnull=True).order_by("pk")
        rows = list(pending[:limit])
        failures = publisher.publish([_outgoing(row) for row in rows]) if rows else []
        published = list(_published(rows, failures))
        if published:
            OutboxMessage.objects.filter(pk__in=published).update(published_at=Now())
    for failure in failures:
        if failure is not None:
            raise failure
    return len(published)


def _published(
    rows: Sequence[OutboxMessage], failures: Sequence[NotPublished | None]
) -> Iterator[int]:
    held_back = set()
    for row, failure in zip(rows, failures, strict=True):
        if failure is not None:
            held_back.add(row.ordering_key)
        elif row.ordering_key not in held_back:
            yield row.pk


def prune_published(*, older_than: timedelta) -> int:
    """Delete messages that were published longer ago than that, a batch; returns how many."""
    old = OutboxMessage.objects.filter(published_at__lt=Now() - older_than)
    batch = old.order_by("published_at").values("pk")[:PRUNE_BATCH]
    return OutboxMessage.objects.filter(pk__in=batch).delete()[0]


def _outgoing(row: OutboxMessage) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(row.message_id),
        exchange=row.exchange,
        routing_key=row.routing_key,
        headers=row.headers,
        body=dump_json(row.body),
        created_at=row.created_at,
    )
