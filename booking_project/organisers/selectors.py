"""What the pages of the booking desk show."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import QuerySet

from booking_project.bookings.domain.transitions import SEAT_STATUSES, BookingStatus
from booking_project.bookings.models import Booking, Event, HistoryEntry
from booking_project.contacts.selectors import contacts_of


def named(bookings: Iterable[Booking]) -> list[Booking]:
    """With `guest_name`, empty for guests who never told theirs. One query."""
    found = list(bookings)
    contacts = contacts_of({booking.user_id for booking in found})
    for booking in found:
        contact = contacts.get(booking.user_id)
        booking.guest_name = contact.name if contact else ""  # type: ignore[attr-defined]
    return found


def in_line(event_id: int) -> QuerySet[Booking]:
    """Those who wait, in the order in which they get seats."""
    waiting = Booking.objects.filter(event_id=event_id, status=BookingStatus.WAITLISTED)
    return waiting.order_by("waitlist_order")


def seated(event_id: int) -> QuerySet[Booking]:
    """In the order in which they booked."""
    confirmed = Booking.objects.filter(event_id=event_id, status=BookingStatus.CONFIRMED)
    return confirmed.order_by("event_id", "pk")


@dataclass(frozen=True, kw_only=True)
class Happening:
    """`actor` is empty for the guest themself."""

    at: datetime
    change: str
    reason: str
    actor: str
    place: int | None = None


def history_of(booking: Booking) -> list[Happening]:
    """From its beginning, which the booking's row tells, unless somebody booked for the guest."""
    entries = list(HistoryEntry.objects.filter(booking_id=booking.pk).order_by("booking_id", "pk"))
    first = None if booking.waitlist_order is None else booking.waitlist_order
    began = Happening(
        at=booking.created_at,
        change="confirmed" if first is None else "waitlisted",
        reason="booked",
        actor="",
        place=first,
    )
    happened = [
        Happening(
            at=entry.at,
            change=entry.change,
            reason=entry.reason,
            actor="" if entry.actor == booking.user_id else entry.actor,
            place=first if entry.change == "waitlisted" else None,
        )
        for entry in entries
    ]
    return happened if happened and happened[0].reason == "booked" else [began, *happened]


@dataclass(frozen=True, kw_only=True)
class CancellationPlan:
    """What cancelling the bookings would do to one event, as it stands now. `next_in_line` would
    get the seats."""

    event: Event
    bookings: Sequence[Booking]
    next_in_line: Sequence[Booking]


def cancellation_plans(bookings: Collection[Booking]) -> list[CancellationPlan]:
    """By event. Three queries and one for each event; `bookings` are active."""
    events = Event.objects.in_bulk({booking.event_id for booking in bookings})
    ordered = sorted(named(bookings), key=lambda each: (each.event_id, each.pk))
    plans = []
    for event_id, group in groupby(ordered, key=lambda each: each.event_id):
        of_event = list(group)
        event = events[event_id]
        freed = sum(each.status in SEAT_STATUSES for each in of_event)
        # As SeatAllocation.cancel: one for each seat that is given up, while there are seats.
        idle = max(0, event.max_seats - (event.seats_taken - freed))
        count = 0 if event.cancelled_at is not None else min(freed, idle)
        others = in_line(event_id).exclude(pk__in=[each.pk for each in of_event])
        heads = named(others[:count]) if count else []
        plans.append(CancellationPlan(event=event, bookings=of_event, next_in_line=heads))
    return plans
