"""Storing messages and getting them published. What is stored with a change is never lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from shared.messaging.errors import NotPublished, Unpublishable
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.observability import tracing
from shared.observability.request_id import MESSAGE_HEADER, request_id
from shared.outbox import sql
from shared.outbox.lines import Line, read_line, to_line
from shared.outbox.models import OutboxEntry, OutboxMessage
from shared.outbox.outcomes import store_outcomes

PUBLISH_BATCH = 500
PRUNE_BATCH = 5000

# A queue that was deleted is declared again within seconds, by the publisher that misses it.
UNROUTABLE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A message to publish. Those with the same `ordering_key` are published in order.

    `request_id` names the request that caused it, and `step` the step of its trace, if there is
    one. Both leave as headers.
    """

    exchange: str
    routing_key: str
    ordering_key: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = field(default_factory=request_id.get)
    step: tracing.Step | None = field(default_factory=tracing.step.get)


def outbox_add(messages: Sequence[NewMessage], *, distribution_key: int = 0) -> None:
    """Store messages in the caller's transaction: they exist if and only if it commits.

    `distribution_key` is that of the transaction's other rows. One statement, and one entry for
    each exchange; the commit wakes the relays. Raises `RuntimeError` outside a transaction: a
    message without its change would be false.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("outbox_add must run in the transaction of the change that it announces")
    lines: dict[str, list[str]] = {}
    for message in messages:
        lines.setdefault(message.exchange, []).append(
            to_line(
                routing_key=message.routing_key,
                ordering_key=message.ordering_key,
                headers=_headers(message),
                body=message.body,
            )
        )
    if lines:
        sql.insert_and_notify(
            [
                (distribution_key, exchange, len(of_it), "\n".join(of_it))
                for exchange, of_it in lines.items()
            ]
        )


def _headers(message: NewMessage) -> Mapping[str, str]:
    headers = message.headers
    if message.request_id:
        headers = {**headers, MESSAGE_HEADER: message.request_id}
    if message.step is not None:
        headers = {**headers, tracing.HEADER: message.step.traceparent}
    return headers


def publish_pending(publisher: Publisher, *, wait: bool, limit: int = PUBLISH_BATCH) -> int:
    """Publish the oldest pending messages, and mark them. Returns how many.

    Takes whole entries, until they have `limit` messages or more.
    To keep the order, only one publisher works at a time. With `wait`, this one waits for its turn;
    otherwise it leaves the messages to the one at work.
    A message is marked once the broker has confirmed and routed it and all earlier ones with its
    ordering key are marked or set aside. So it may be published twice, but never before its
    predecessors.
    A message is set aside at once if it is itself the reason it can't be published, or when no
    queue has taken it for `UNROUTABLE_AFTER`. Otherwise it would block those behind it forever.
    Raises the first `NotPublished` that isn't the message's own fault, after marking what did
    arrive.
    """
    with transaction.atomic():
        entries = sql.lock_and_read_pending(wait=wait, limit=limit, patience=UNROUTABLE_AFTER)
        if not entries:
            return 0
        outcomes = _try_to_publish(publisher, entries)
        if not any(outcomes):
            sql.mark_published(entries)
            return len(outcomes)
        published = store_outcomes(entries, outcomes)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, Unpublishable):
            raise outcome
    return published


def retry_set_aside() -> int:
    """Make all that was set aside pending again; returns how many."""
    aside = OutboxEntry.objects.filter(set_aside_at__isnull=False)
    return aside.update(set_aside_at=None, unroutable_since=None, failure="")


def prune_published(*, older_than: timedelta) -> int:
    """Delete a batch of entries that were published longer ago than that; returns how many."""
    return _prune(OutboxEntry.objects.all(), older_than) + _prune(
        OutboxMessage.objects.all(), older_than
    )


def _prune(rows: QuerySet[Any], older_than: timedelta) -> int:
    old = rows.filter(published_at__lt=Now() - older_than).order_by("published_at")
    return rows.filter(pk__in=old.values("pk")[:PRUNE_BATCH]).delete()[0]


def _try_to_publish(
    publisher: Publisher, entries: Sequence[sql.PendingEntry]
) -> list[NotPublished | None]:
    """One outcome for each line, in their order."""
    outgoing: list[OutgoingMessage] = []
    unreadable: dict[int, NotPublished] = {}
    position = 0
    for entry in entries:
        for text in entry.messages.split("\n"):
            try:
                outgoing.append(_outgoing(entry, read_line(text)))
            except ValueError as error:
                unreadable[position] = Unpublishable(f"its line can't be read: {error}")
            position += 1
    outcomes = publisher.publish(outgoing) if outgoing else []
    for at, failure in unreadable.items():
        outcomes.insert(at, failure)
    return outcomes


def _outgoing(entry: sql.PendingEntry, line: Line) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=line.message_id,
        exchange=entry.exchange,
        routing_key=line.routing_key,
        headers=orjson.loads(line.headers),
        body=line.body.encode(),
        created_at=entry.created_at,
    )
