"""Applies the event service's changes to the copies of events and to their bookings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.messages import booking_messages
from booking_project.bookings.models import Event
from booking_project.bookings.storage.locks import lock_event
from booking_project.bookings.storage.sql import clock, update_statuses, waitlist_heads
from shared.outbox.services import outbox_add

LARGEST_VERSION_STEP = 1_000_000
# A batch takes a tenth of a second. For that long the event's users and the queue wait.
PROMOTION_BATCH = 250


@dataclass(frozen=True, kw_only=True)
class EventState:
    """An event as the event service announced it. Times are aware."""

    id: int
    name: str
    max_seats: int
    waitlist_limit: int
    price: Decimal
    booking_start_at: datetime
    booking_end_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int
    cancelled_at: datetime | None


class ImplausibleVersion(Exception):
    """That many changes can't have been missed, and no real change would ever be newer again."""


@transaction.atomic
def event_sync(state: EventState, *, republished: bool = False, forced: bool = False) -> bool:
    """Bring the copy of an event up to `state`; False if there is nothing new in it.

    An equal version is applied only if it was `republished` and the copy differs, which repairs a
    damaged copy. An older version is applied only if it is also `forced`.

    Raises `ImplausibleVersion` if `state` is more than `LARGEST_VERSION_STEP` versions ahead,
    unless it was republished.

    Locks the row. A raised capacity promotes the first of the waitlist; a lowered one evicts nobody
    (rule 8). A cancelled event takes no more bookings. `batches` does the rest of both.
    """
    columns = vars(state)
    event = lock_event(event_id=state.id)
    known = event.version if event is not None else 0
    if not republished and state.version - known > LARGEST_VERSION_STEP:
        raise ImplausibleVersion(f"version {state.version} can't follow version {known}")
    if event is None:
        Event.objects.bulk_create([Event(**columns)], ignore_conflicts=True)
        event = lock_event(event_id=state.id)
        assert event is not None
        if event.version == state.version:
            return True
    if event.version > state.version and not forced:
        return False
    if event.version == state.version and not (republished and _differs(event, columns)):
        return False
    reason = Reason(event.promotion_cause or Reason.SEAT_FREED)
    if state.max_seats > event.max_seats:
        reason = Reason.CAPACITY_RAISED
    for name, value in columns.items():
        setattr(event, name, value)
    event.cancellation_pending = event.cancelled_at is not None
    promote_and_save(event, reason=reason)
    return True


def _differs(event: Event, columns: Mapping[str, object]) -> bool:
    return any(getattr(event, name) != value for name, value in columns.items())


def promote_and_save(event: Event, *, reason: Reason) -> None:
    """Give idle seats to the first `PROMOTION_BATCH` on the waitlist, note on the event whether
    there is more to do, and write its whole row. The caller must have locked it."""
    count = min(event.seats_available, event.waitlisted_count, PROMOTION_BATCH)
    waiting = waitlist_heads(event_id=event.pk, count=count)
    allocation = SeatAllocation(event, now=clock(), waitlist=waiting)
    allocation.promote(reason=reason)
    allocation.honour_what_is_taken()
    # If fewer are waiting than counted, the counter is wrong: no batch would ever find the others.
    more = len(waiting) == count and min(event.seats_available, event.waitlisted_count) > 0
    event.promotion_cause = reason.value if more else ""
    save_event_and_changes(allocation)


def save_event_and_changes(allocation: SeatAllocation) -> None:
    """Write the event's whole row and the changed bookings, and announce them. For changes to the
    event beyond its counters. The allocation must not have created bookings."""
    update_statuses(allocation.updated)
    allocation.event.save()
    outbox_add([*booking_messages(allocation.event, allocation.changes)])
