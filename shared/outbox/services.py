"""Storing messages and getting them published. What is stored with a change is never lost."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from shared.formats.json import dump_json
from shared.formats.text import describe, printable
from shared.messaging.errors import NotPublished, Unpublishable, Unroutable
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.outbox import sql
from shared.outbox.models import OutboxMessage

logger = logging.getLogger(__name__)

PUBLISH_BATCH = 500
PRUNE_BATCH = 5000

# A queue that was deleted is declared again within seconds, by the publisher that misses it.
UNROUTABLE_PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A message to publish. Those with the same `ordering_key` are published in order."""

    exchange: str
    routing_key: str
    ordering_key: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def outbox_add(messages: Sequence[NewMessage]) -> None:
    """Store messages in the caller's transaction: they exist if and only if it commits.

    One statement for all of them; the commit wakes the relays. Raises `RuntimeError` outside a
    transaction: a message without its change would be false.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("outbox_add belongs into the transaction of the change it tells of")
    if messages:
        sql.insert_and_notify(
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

    To keep the order, only one publisher works at a time. With `wait`, this one waits for its turn;
    otherwise it leaves the messages to the one at work.
    A message is marked once the broker has confirmed and routed it and all earlier ones with its
    ordering key are marked or set aside. So it may be published twice, but never before its
    predecessors.
    A message is set aside at once if it is itself the reason it can't be published, or when no
    queue has taken it for `UNROUTABLE_PATIENCE`. Otherwise it would block those behind it for ever.
    Raises the first `NotPublished` of those that stay pending, after marking what did arrive.
    """
    with transaction.atomic():
        if not sql.advisory_lock(wait=wait):
            return 0
        pending = pending_messages().order_by("pk")
        rows = list(pending[:limit])
        failures = _try_to_publish(publisher, rows) if rows else []
        _set_aside(rows, failures)
        published = list(_published(rows, failures))
        if published:
            OutboxMessage.objects.filter(pk__in=published).update(published_at=Now())
    for failure in failures:
        if failure is not None and not isinstance(failure, Unpublishable):
            raise failure
    return len(published)


def pending_messages() -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(published_at__isnull=True, set_aside_at__isnull=True)


def retry_set_aside() -> int:
    """Make all that was set aside pending again; returns how many."""
    aside = OutboxMessage.objects.filter(set_aside_at__isnull=False)
    return aside.update(set_aside_at=None, unroutable_since=None, failure="")


def _try_to_publish(
    publisher: Publisher, rows: Sequence[OutboxMessage]
) -> list[NotPublished | None]:
    """One outcome for each row, in their order."""
    unpublishable: dict[int, NotPublished | None] = {}
    outgoing = []
    for row in rows:
        try:
            outgoing.append(_outgoing(row))
        except (TypeError, ValueError, RecursionError) as error:
            unpublishable[row.pk] = Unpublishable(f"its body is not JSON: {describe(error)}")
    outcomes = iter(publisher.publish(outgoing) if outgoing else [])
    return [unpublishable[row.pk] if row.pk in unpublishable else next(outcomes) for row in rows]


def _set_aside(rows: Sequence[OutboxMessage], failures: Sequence[NotPublished | None]) -> None:
    for row, failure in zip(rows, failures, strict=True):
        if isinstance(failure, Unpublishable):
            _note(row, failure, set_aside_at=Now())
            logger.error("message %s is set aside: %s", row, failure)
        elif isinstance(failure, Unroutable) and row.unroutable_since is None:
            _note(row, failure, unroutable_since=Now())
    unroutable = [
        row
        for row, failure in zip(rows, failures, strict=True)
        if isinstance(failure, Unroutable) and row.unroutable_since is not None
    ]
    if unroutable:
        count = OutboxMessage.objects.filter(
            pk__in=[row.pk for row in unroutable],
            unroutable_since__lt=Now() - UNROUTABLE_PATIENCE,
        ).update(set_aside_at=Now())
        if count:
            logger.error("%d messages are set aside: no queue takes them", count)


def _note(row: OutboxMessage, failure: NotPublished, **columns: Now) -> None:
    OutboxMessage.objects.filter(pk=row.pk).update(failure=printable(failure), **columns)


def _published(
    rows: Sequence[OutboxMessage], failures: Sequence[NotPublished | None]
) -> Iterator[int]:
    held_back = set()
    for row, failure in zip(rows, failures, strict=True):
        if failure is None and row.ordering_key not in held_back:
            yield row.pk
        elif failure is not None and not isinstance(failure, Unpublishable):
            held_back.add(row.ordering_key)


def prune_published(*, older_than: timedelta) -> int:
    """Delete a batch of messages that were published longer ago than that; returns how many."""
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
