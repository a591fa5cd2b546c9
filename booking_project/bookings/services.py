"""Everything that writes bookings and events, each function one transaction."""

import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from booking_project.bookings.errors import EventNotFound
from booking_project.bookings.facts import Cause
from booking_project.bookings.ledger import Ledger
from booking_project.bookings.locks import lock_event, lock_free_events
from booking_project.bookings.messages import booking_messages
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.requests import Book, Cancel, Request
from booking_project.bookings.statements import (
    CounterChange,
    clock,
    clock_and_active_users,
    insert_bookings_and_update_counters,
    update_counters,
    update_statuses,
    waitlist_heads,
)
from shared.errors import DomainError
from shared.idempotency.attempts import Reply
from shared.idempotency.register import Register
from shared.outbox.services import outbox_add

LARGEST_VERSION_STEP = 1_000_000
# A tenth of a second: for so long a batch keeps an event's users and the queue waiting.
PROMOTION_BATCH = 250

Outcome = Booking | Reply | DomainError


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


@transaction.atomic
def admit_to_event(event_id: int, requests: Sequence[Request]) -> list[Outcome]:
    """Decide on `requests` for one event, in their order, waiting for its row.

    Raises `OperationalError` where the row can't be had within the lock timeout.
    """
    event = lock_event(event_id=event_id)
    if event is None:
        return [EventNotFound() for _ in requests]
    return _decide({event_id: event}, requests)


@transaction.atomic
def admit_to_free_events(requests: Sequence[Request]) -> list[Outcome | None]:
    """Decide on `requests` for all events whose row nobody holds; None for the others."""
    events = lock_free_events(event_ids={request.event_id for request in requests})
    taken = [request for request in requests if request.event_id in events]
    outcomes = iter(_decide(events, taken))
    return [next(outcomes) if request.event_id in events else None for request in requests]


class ImplausibleVersion(Exception):
    """So many changes can't have been missed, and no real change would ever be newer again."""


@transaction.atomic
def event_sync(state: EventState, *, republished: bool = False, forced: bool = False) -> bool:
    """Bring the copy of an event up to `state`; False if there is nothing new in it.

    Of an equal version only what was `republished` is taken over, where the copy differs: it
    repairs one that was damaged. An older version is taken over only where it is `forced`, too.

    Raises `ImplausibleVersion` where `state` is more than `LARGEST_VERSION_STEP` versions ahead,
    unless it was republished.

    Takes the row. Capacity raised promotes the first of the waitlist, lowered evicts nobody
    (rule 8). Of a cancelled event nothing is booked from now on. `batches` does the rest of both.
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
    cause = Cause(event.promotion_cause or Cause.SEAT_FREED)
    if state.max_seats > event.max_seats:
        cause = Cause.CAPACITY_RAISED
    for name, value in columns.items():
        setattr(event, name, value)
    event.cancellation_pending = event.cancelled_at is not None
    promote_and_write(event, cause=cause)
    return True


def _differs(event: Event, columns: Mapping[str, object]) -> bool:
    return any(getattr(event, name) != value for name, value in columns.items())


def _decide(events: Mapping[int, Event], requests: Sequence[Request]) -> list[Outcome]:
    if not requests:
        return []
    register = _open_register(requests)
    ledgers = _open_ledgers(events, requests)
    outcomes = [_decide_one(ledgers[request.event_id], request, register) for request in requests]
    _write(ledgers.values())
    if register is not None:
        register.keep()
    return outcomes


def _decide_one(ledger: Ledger, request: Request, register: Register[Booking] | None) -> Outcome:
    try:
        if isinstance(request, Book):
            if request.attempt is not None and register is not None:
                book = functools.partial(ledger.book, user_id=request.user_id)
                return register.once(request.attempt, book)
            return ledger.book(user_id=request.user_id)
        return ledger.cancel(booking_id=request.booking_id)
    except DomainError as refusal:
        return refusal


def _open_register(requests: Sequence[Request]) -> Register[Booking] | None:
    """None where nobody asks again. Attempts at one event meet at its row, as their path has it."""
    attempts = [
        request.attempt
        for request in requests
        if isinstance(request, Book) and request.attempt is not None
    ]
    return Register(attempts) if attempts else None


def _open_ledgers(events: Mapping[int, Event], requests: Sequence[Request]) -> dict[int, Ledger]:
    """Read what the decisions rest on, after the lock."""
    booking_ids = [request.booking_id for request in requests if isinstance(request, Cancel)]
    now, active_users = clock_and_active_users(
        [request for request in requests if isinstance(request, Book)]
    )
    bookings: dict[int, dict[int, Booking]] = defaultdict(dict)
    waitlists: dict[int, list[Booking]] = {}
    if booking_ids:
        for booking in Booking.objects.filter(event_id__in=events, pk__in=booking_ids):
            bookings[booking.event_id][booking.pk] = booking
        for event_id, found in bookings.items():
            if events[event_id].waitlisted_count:
                waitlists[event_id] = waitlist_heads(event_id=event_id, count=len(found))
    return {
        event_id: Ledger(
            event,
            now=now,
            active_users=active_users[event_id],
            bookings=bookings[event_id],
            waitlist=waitlists.get(event_id, ()),
        )
        for event_id, event in events.items()
    }


def promote_and_write(event: Event, *, cause: Cause) -> None:
    """Give idle seats to the first `PROMOTION_BATCH` of those who wait, note on the event whether
    there is more to do, and write all of its row. The caller has it locked."""
    count = min(event.seats_available, event.waitlisted_count, PROMOTION_BATCH)
    waiting = waitlist_heads(event_id=event.pk, count=count)
    ledger = Ledger(event, now=clock(), waitlist=waiting)
    ledger.promote(cause=cause)
    ledger.honour_what_is_taken()
    # Fewer than are counted: the counter is wrong, and no batch would ever find the others.
    more = len(waiting) == count and min(event.seats_available, event.waitlisted_count) > 0
    event.promotion_cause = cause.value if more else ""
    write_whole_event(ledger)


def write_whole_event(ledger: Ledger) -> None:
    """Write all of the event's row and what became of bookings, and tell of it. For where more of
    the event changes than its counters; nothing may have been booked in this ledger."""
    update_statuses(ledger.changed)
    ledger.event.save()
    _tell([ledger])


def _write(ledgers: Collection[Ledger]) -> None:
    """Updates before inserts: a user who cancelled may have booked again in the same group."""
    changed = [booking for ledger in ledgers for booking in ledger.changed]
    created = [booking for ledger in ledgers for booking in ledger.created]
    counters = [
        CounterChange(
            event_id=ledger.event.pk,
            confirmed_change=ledger.confirmed_change,
            waitlisted_change=ledger.waitlisted_change,
            last_waitlist_order=ledger.event.last_waitlist_order,
            honoured_seats=ledger.event.honoured_seats,
            honoured_waitlist=ledger.event.honoured_waitlist,
        )
        for ledger in ledgers
        if ledger.facts
    ]
    update_statuses(changed)
    if created:
        insert_bookings_and_update_counters(created, counters)
    elif counters:
        update_counters(counters)
    _tell(ledgers)


def _tell(ledgers: Collection[Ledger]) -> None:
    """In the transaction of what it tells of. Under the events' locks, so that the messages of a
    booking are stored in the order in which it changed."""
    outbox_add(
        [message for ledger in ledgers for message in booking_messages(ledger.event, ledger.facts)]
    )
