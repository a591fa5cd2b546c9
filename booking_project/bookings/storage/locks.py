"""Every row lock of the booking service.

A transaction that changes an event's bookings holds that event's row. It either waits for one row,
or takes several in the order of their ids without waiting, so it can't deadlock.

`…_and_read` is for decisions on bookings: it returns events without `DESCRIPTIVE`.
"""

import functools
from collections.abc import Collection, Iterable, Sequence

from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

from booking_project.bookings.metrics import LOCK_SECONDS
from booking_project.bookings.models import Event
from booking_project.bookings.storage.sql import (
    DECISIVE_FIELDS,
    EVENT_FIELDS,
    instances,
    set_lock_timeout,
)
from shared.db.round_trips import Row, Statement, execute_together

BRIEF_WAIT_MS = 250

Results = list[list[Row]]


def lock_event(*, event_id: int) -> Event | None:
    """Waits for the row, at most the connection's lock timeout (then `OperationalError` 55P03)."""
    events, _ = _lock_and_read(Statement(_lock_one(EVENT_FIELDS), [event_id]), [], EVENT_FIELDS)
    return events[0] if events else None


def lock_event_and_read(
    *, event_id: int, reads: Sequence[Statement]
) -> tuple[Event | None, Results]:
    """`lock_event`, and in the same round trip what `reads` find once the row is locked."""
    lock = Statement(_lock_one(DECISIVE_FIELDS), [event_id])
    with LOCK_SECONDS.time():
        events, results = _lock_and_read(lock, reads, DECISIVE_FIELDS)
    return (events[0] if events else None), results


def lock_event_briefly(*, event_id: int) -> Event | None:
    """Waits for the row at most `BRIEF_WAIT_MS`, then `OperationalError` 55P03. The same limit then
    holds for every other lock in the transaction."""
    set_lock_timeout(event_id=event_id, milliseconds=BRIEF_WAIT_MS)
    return lock_event(event_id=event_id)


def lock_free_events(*, event_ids: Collection[int]) -> dict[int, Event]:
    """Lock the rows that no other transaction holds. Never waits."""
    if not event_ids:
        return {}
    lock = Statement(_lock_free(len(event_ids), EVENT_FIELDS), list(event_ids))
    events, _ = _lock_and_read(lock, [], EVENT_FIELDS)
    return {event.pk: event for event in events}


def lock_free_events_and_read(
    *, event_ids: Collection[int], reads: Sequence[Statement]
) -> tuple[dict[int, Event], Results]:
    """`lock_free_events` for one event or more, with `reads` as above."""
    lock = Statement(_lock_free(len(event_ids), DECISIVE_FIELDS), list(event_ids))
    events, results = _lock_and_read(lock, reads, DECISIVE_FIELDS)
    return {event.pk: event for event in events}, results


def _lock_and_read(
    lock: Statement, reads: Iterable[Statement], fields: frozenset[str]
) -> tuple[list[Event], Results]:
    if not connection.in_atomic_block:
        raise TransactionManagementError("a lock outside a transaction protects nothing")
    locked, *results = execute_together([lock, *reads])
    return instances(Event, locked, fields), results


# Compiled once. To compile them for each transaction took as long as everything else in Python.


@functools.cache
def _lock_one(fields: frozenset[str]) -> str:
    return _compiled(Event.objects.only(*fields).select_for_update().filter(pk=0))


@functools.cache
def _lock_free(count: int, fields: frozenset[str]) -> str:
    events = Event.objects.only(*fields).select_for_update(skip_locked=True)
    if count == 1:  # named by `=`, as a database that is distributed by event needs it
        return _compiled(events.filter(pk=0))
    return _compiled(events.filter(pk__in=range(count)).order_by("pk"))


def _compiled(events: QuerySet[Event]) -> str:
    """With a placeholder for each id."""
    sql, _ = events.query.sql_with_params()
    return sql
