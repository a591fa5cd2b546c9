"""Everything that writes bookings and events, each function one transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from booking_project.bookings.errors import EventNotFound
from booking_project.bookings.ledger import Ledger
from booking_project.bookings.locks import lock_event, lock_free_events
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.requests import Book, Cancel, Request
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
    ledger = Ledger(event, now=_clock(), waitlist=_waitlist_heads({event.pk: promotable})[event.pk])
    ledger.promote()
    ledger.honour_what_is_taken()
    _write_bookings([ledger])
    event.save()
    return True


def _decide(events: Mapping[int, Event], requests: Sequence[Request]) -> list[Outcome]:
    if not requests:
        return []
    ledgers = _open_ledgers(events, requests)
    outcomes = [_decide_one(ledgers[request.event_id], request) for request in requests]
    _write_bookings(ledgers.values())
    _write_counters(ledgers.values())
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
    users = {request.user_id for request in requests if isinstance(request, Book)}
    cancels: dict[int, int] = defaultdict(int)
    for request in requests:
        if isinstance(request, Cancel):
            cancels[request.event_id] += 1

    active_users: dict[int, list[str]] = defaultdict(list)
    bookings: dict[int, dict[int, Booking]] = defaultdict(dict)
    waitlists: Mapping[int, list[Booking]] = {}
    if users:
        active = Booking.objects.filter(event_id__in=events, user_id__in=users)
        active = active.exclude(status=BookingStatus.CANCELLED)
        for event_id, user_id in active.values_list("event_id", "user_id"):
            active_users[event_id].append(user_id)
    if booking_ids:
        for booking in Booking.objects.filter(event_id__in=events, pk__in=booking_ids):
            bookings[booking.event_id][booking.pk] = booking
        waitlists = _waitlist_heads(
            {pk: count for pk, count in cancels.items() if events[pk].waitlisted_count}
        )
    now = _clock()
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


def _waitlist_heads(counts: Mapping[int, int]) -> dict[int, list[Booking]]:
    """The first so many waitlisted bookings of each event, in order."""
    return {
        event_id: list(
            Booking.objects.filter(event_id=event_id, status=BookingStatus.WAITLISTED).order_by(
                "waitlist_order"
            )[:count]
        )
        for event_id, count in counts.items()
    }


def _clock() -> datetime:
    """The database server's clock, now: the one clock of every decision."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _write_bookings(ledgers: Collection[Ledger]) -> None:
    """Updates before inserts: a user who cancelled may have booked again in the same group."""
    changed = [booking for ledger in ledgers for booking in ledger.changed]
    for status in (BookingStatus.CANCELLED, BookingStatus.CONFIRMED):
        rows = [booking for booking in changed if booking.status == status]
        if rows:
            Booking.objects.filter(
                event_id__in={booking.event_id for booking in rows},
                pk__in=[booking.pk for booking in rows],
            ).update(status=status, updated_at=rows[0].updated_at)
    created = [booking for ledger in ledgers for booking in ledger.created]
    if created:
        Booking.objects.bulk_create(created)


_WRITE_COUNTERS = """
    UPDATE bookings_event AS event
       SET confirmed_count = new.confirmed_count,
           waitlisted_count = new.waitlisted_count,
           last_waitlist_order = new.last_waitlist_order,
           honoured_seats = new.honoured_seats,
           honoured_waitlist = new.honoured_waitlist
      FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
           AS new (id, confirmed_count, waitlisted_count, last_waitlist_order,
                   honoured_seats, honoured_waitlist)
     WHERE event.id = new.id
"""


def _write_counters(ledgers: Iterable[Ledger]) -> None:
    events = [ledger.event for ledger in ledgers if ledger.created or ledger.cancelled]
    if not events:
        return
    columns = (
        [event.pk for event in events],
        [event.confirmed_count for event in events],
        [event.waitlisted_count for event in events],
        [event.last_waitlist_order for event in events],
        [event.honoured_seats for event in events],
        [event.honoured_waitlist for event in events],
    )
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_COUNTERS, columns)
