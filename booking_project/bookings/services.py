"""Everything that writes bookings and events, each function one transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from booking_project.bookings.errors import EventNotFound
from booking_project.bookings.ledger import Ledger
from booking_project.bookings.locks import lock_event, lock_free_events
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

Outcome = Booking | DomainError


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


@transaction.atomic
def event_sync(state: EventState) -> bool:
    """Bring the copy of an event up to `state`; False if it already is as new.

    Takes the row. Capacity raised promotes the waitlist in order; lowered evicts nobody (rule 8).
    """
    columns = vars(state)
    event = lock_event(event_id=state.id)
    if event is None:
        Event.objects.bulk_create([Event(**columns)], ignore_conflicts=True)
        event = lock_event(event_id=state.id)
        assert event is not None
        if event.version == state.version:
            return True
    if event.version >= state.version:
        return False
    for name, value in columns.items():
        setattr(event, name, value)
    promotable = min(event.seats_available, event.waitlisted_count)
    waiting = waitlist_heads(event_id=event.pk, count=promotable)
    ledger = Ledger(event, now=clock(), waitlist=waiting)
    ledger.promote()
    ledger.honour_what_is_taken()
    write_changed([ledger])
    event.save()
    return True


def _decide(events: Mapping[int, Event], requests: Sequence[Request]) -> list[Outcome]:
    if not requests:
        return []
    ledgers = _open_ledgers(events, requests)
    outcomes = [_decide_one(ledgers[request.event_id], request) for request in requests]
    _write(ledgers.values())
    return outcomes


def _decide_one(ledger: Ledger, request: Request) -> Outcome:
    try:
        if isinstance(request, Book):
            return ledger.book(user_id=request.user_id)
        return ledger.cancel(booking_id=request.booking_id)
    except DomainError as refusal:
        return refusal


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


def write_changed(ledgers: Collection[Ledger]) -> None:
    """Write what became of bookings that have a row already."""
    changed = [booking for ledger in ledgers for booking in ledger.changed]
    if changed:
        update_statuses(changed)


def _write(ledgers: Collection[Ledger]) -> None:
    """Updates before inserts: a user who cancelled may have booked again in the same group."""
    write_changed(ledgers)
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
        if ledger.created or ledger.changed
    ]
    if created:
        insert_bookings_and_update_counters(created, counters)
    elif counters:
        update_counters(counters)
