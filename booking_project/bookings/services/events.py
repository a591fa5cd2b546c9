"""Applies the event service's changes to the copies of events and to their bookings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from booking_project.bookings.domain.allocation import SeatAllocation, honour_what_is_taken
from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.messages import booking_messages
from booking_project.bookings.models import DEFAULT_CURRENCY, DEFAULT_TIME_ZONE, Event
from booking_project.bookings.signals import send_decided_on_commit
from booking_project.bookings.storage.locks import lock_event, lock_free_events
from booking_project.bookings.storage.sql import (
    clock,
    event_versions,
    history_add,
    insert_events,
    update_events,
    update_statuses,
    waitlist_heads,
)
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
    description: str | None = None
    venue: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str = DEFAULT_TIME_ZONE
    currency: str = DEFAULT_CURRENCY
    waiting_room_rate: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class EventNews:
    """`state` of an event, newly announced. If it was `republished`, it also replaces a copy of the
    same version that differs, which repairs a damaged copy; `forced` as well, a newer one.
    `cause` is that of the message."""

    state: EventState
    republished: bool = False
    forced: bool = False
    cause: str = ""


class ImplausibleVersion(Exception):
    """That many changes can't have been missed, and no real change would ever be newer again."""


@transaction.atomic
def event_sync(
    state: EventState, *, republished: bool = False, forced: bool = False, cause: str = ""
) -> bool:
    """Bring the copy of an event up to `state`; False if there is nothing new in it.

    Raises `ImplausibleVersion` if `state` is more than `LARGEST_VERSION_STEP` versions ahead,
    unless it was republished.

    Waits for the row and locks it. A raised capacity promotes the first of the waitlist; a lowered
    one evicts nobody (rule 8). A cancelled event takes no more bookings. `batches` does the rest of
    both.
    """
    news = EventNews(state=state, republished=republished, forced=forced, cause=cause)
    event = lock_event(event_id=state.id)
    if event is None:
        _refuse_implausible(news, known=0)
        if insert_events([state]):
            return True
        event = lock_event(event_id=state.id)
        assert event is not None
    reason = _take_over(news, event)
    if reason is None:
        return False
    promote_and_save(event, reason=reason)
    return True


def events_sync(news: Sequence[EventNews]) -> dict[EventNews, bool | ImplausibleVersion]:
    """`event_sync` for many at once, in a few statements. Returns the outcomes.

    Leaves out all news of an event whose row another transaction holds, or whose waitlist gets
    seats. These take long or have to wait: they need `event_sync`, in their order.
    """
    versions = event_versions({each.state.id for each in news})
    outcomes: dict[EventNews, bool | ImplausibleVersion] = {}
    unknown: dict[int, EventNews] = {}
    others: dict[int, list[EventNews]] = defaultdict(list)
    for each in news:
        event_id = each.state.id
        known = versions.get(event_id)
        is_first = event_id not in unknown and event_id not in others
        if known is None and is_first and _is_plausible(each, known=0):
            unknown[event_id] = each
        elif known is not None and is_first and _is_old(each, known=known):
            outcomes[each] = False
        else:
            others[event_id].append(each)
    inserted = insert_events([each.state for each in unknown.values()])
    for event_id, each in unknown.items():
        if event_id in inserted:
            outcomes[each] = True
        else:  # another consumer was faster
            others[event_id].insert(0, each)
    if settings.ADMISSION_GROUPING == "event":
        for event_id, of_event in others.items():
            outcomes.update(_sync_free({event_id: of_event}))
    elif others:
        outcomes.update(_sync_free(others))
    return outcomes


@transaction.atomic
def _sync_free(
    news: Mapping[int, Sequence[EventNews]],
) -> dict[EventNews, bool | ImplausibleVersion]:
    outcomes: dict[EventNews, bool | ImplausibleVersion] = {}
    changed = []
    for event_id, event in lock_free_events(event_ids=news).items():
        found = _sync_unless_promoting(event, news[event_id])
        outcomes.update(found)
        if True in found.values():
            changed.append(event)
    update_events(changed)
    return outcomes


def _sync_unless_promoting(
    event: Event, news: Sequence[EventNews]
) -> dict[EventNews, bool | ImplausibleVersion]:
    """Empty if the waitlist gets seats. `event` must not be saved then."""
    outcomes: dict[EventNews, bool | ImplausibleVersion] = {}
    for each in news:
        try:
            outcomes[each] = _take_over(each, event) is not None
        except ImplausibleVersion as error:
            outcomes[each] = error
        if outcomes[each] is True:
            if min(event.seats_available, event.waitlisted_count) > 0:
                return {}
            event.promotion_cause = ""
            honour_what_is_taken(event)
    return outcomes


def _take_over(news: EventNews, event: Event) -> Reason | None:
    """Set the columns of the locked `event`, and return the reason for promotions that this allows;
    None if there is nothing new in it. Raises `ImplausibleVersion`."""
    state = news.state
    _refuse_implausible(news, known=event.version)
    if event.version > state.version and not news.forced:
        return None
    columns = vars(state)
    if event.version == state.version and not (news.republished and _differs(event, columns)):
        return None
    reason = Reason(event.promotion_cause or Reason.SEAT_FREED)
    if state.max_seats > event.max_seats:
        reason = Reason.CAPACITY_RAISED
    for name, value in columns.items():
        setattr(event, name, value)
    event.cancellation_pending = event.cancelled_at is not None
    event.batches_cause = news.cause
    return reason


def _refuse_implausible(news: EventNews, *, known: int) -> None:
    if not _is_plausible(news, known=known):
        raise ImplausibleVersion(f"version {news.state.version} can't follow version {known}")


def _is_old(news: EventNews, *, known: int) -> bool:
    return news.state.version <= known and not news.republished


def _is_plausible(news: EventNews, *, known: int) -> bool:
    return news.republished or news.state.version - known <= LARGEST_VERSION_STEP


def _differs(event: Event, columns: Mapping[str, object]) -> bool:
    return any(getattr(event, name) != value for name, value in columns.items())


def promote_and_save(event: Event, *, reason: Reason) -> None:
    """Give idle seats to the first `PROMOTION_BATCH` on the waitlist, note on the event whether
    there is more to do, and write its whole row. The caller must have locked it."""
    count = min(event.seats_available, event.waitlisted_count, PROMOTION_BATCH)
    waiting = waitlist_heads(event_id=event.pk, count=count)
    allocation = SeatAllocation(event, now=clock(), waitlist=waiting)
    allocation.promote(reason=reason)
    honour_what_is_taken(event)
    # If fewer are waiting than counted, the counter is wrong: no batch would ever find the others.
    more = len(waiting) == count and min(event.seats_available, event.waitlisted_count) > 0
    event.promotion_cause = reason.value if more else ""
    save_event_and_changes(allocation)


def save_event_and_changes(allocation: SeatAllocation) -> None:
    """Write the event's whole row and the changed bookings, and announce them. For changes to the
    event beyond its counters. The allocation must not have created bookings."""
    update_statuses(allocation.updated)
    allocation.event.save()
    outbox_add(
        [*booking_messages(allocation.event, allocation.changes)],
        distribution_key=allocation.event.pk,
    )
    history_add(allocation.changes)
    send_decided_on_commit([allocation])
