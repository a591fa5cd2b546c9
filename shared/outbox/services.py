"""Storing messages and getting them published. What is stored with a change is never lost."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from shared.json import dump_json
from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.outbox.models import OutboxMessage

RELAY_BATCH = 100


def outbox_add(*, exchange: str, routing_key: str, body: Mapping[str, Any]) -> OutboxMessage:
    """Store a message in the caller's transaction; it exists if and only if that one commits.

    Raises `RuntimeError` outside a transaction: a message without its change would be a lie.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("outbox_add belongs into the transaction of the change it tells of")
    return OutboxMessage.objects.create(exchange=exchange, routing_key=routing_key, body=body)


def publish_pending(
    publisher: Publisher, *, only: Collection[int] | None = None, limit: int = RELAY_BATCH
) -> int:
    """Publish up to `limit` pending messages, oldest first, and mark them. Returns how many.

    `only` restricts it to these ids. Rows that another publisher has in hand are skipped. A row is
    marked when the broker has confirmed and routed it. Raises `BrokerUnavailable`, and `Unroutable`
    after having published what can be: both leave the others marked.
    """
    failure: BrokerUnavailable | Unroutable | None = None
    with transaction.atomic():
        pending = OutboxMessage.objects.filter(published_at__isnull=True)
        if only is not None:
            pending = pending.filter(pk__in=only)
        published = []
        for row in pending.order_by("pk").select_for_update(skip_locked=True)[:limit]:
            try:
                publisher.publish(_outgoing(row))
            except Unroutable as error:
                failure = error
            except BrokerUnavailable as error:
                failure = error
                break
            else:
                published.append(row.pk)
        if published:
            OutboxMessage.objects.filter(pk__in=published).update(published_at=Now())
    if failure is not None:
        raise failure
    return len(published)


def _outgoing(row: OutboxMessage) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(row.message_id),
        exchange=row.exchange,
        routing_key=row.routing_key,
        body=dump_json(row.body),
        created_at=row.created_at,
    )
