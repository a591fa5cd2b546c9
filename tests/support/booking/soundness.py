"""Rules that must always hold for an event and its bookings."""

from dataclasses import dataclass

from booking_project.bookings.models import Booking, BookingStatus, Event


@dataclass(frozen=True)
class Tally:
    confirmed: int
    waitlisted: int
    cancelled: int


def tally(event_id: int) -> Tally:
    """Counted from the rows, not read from the event's counters."""
    statuses = list(Booking.objects.filter(event_id=event_id).values_list("status", flat=True))
    return Tally(**{status: statuses.count(status) for status in BookingStatus.values})


def unsound(event_id: int) -> list[str]:
    """Every rule that the database's content breaks; empty if there is none."""
    event = Event.objects.get(pk=event_id)
    bookings = list(Booking.objects.filter(event_id=event_id).order_by("pk"))
    counted = tally(event_id)
    active = [booking for booking in bookings if booking.status != BookingStatus.CANCELLED]
    waiting = [booking for booking in bookings if booking.status == BookingStatus.WAITLISTED]
    first = min(waiting, key=lambda booking: booking.waitlist_order or 0, default=None)
    orders = [booking.waitlist_order for booking in bookings if booking.waitlist_order is not None]
    broken = {
        "oversold": counted.confirmed > max(event.max_seats, event.honoured_seats),
        "waitlist overfull": counted.waitlisted
        > max(event.waitlist_limit, event.honoured_waitlist),
        "a seat lost or doubled": event.confirmed_count != counted.confirmed,
        "a place in line lost or doubled": event.waitlisted_count != counted.waitlisted,
        "an idle seat while somebody waits": bool(counted.waitlisted)
        and counted.confirmed < event.max_seats
        and event.cancelled_at is None
        and not event.promotion_cause,
        "a user was overtaken": first is not None
        and any(_was_after(first, seated) for seated in active if seated not in waiting),
        "a user booked twice": len({booking.user_id for booking in active}) < len(active),
        "a number in line given twice": len(set(orders)) < len(orders),
        "numbers in line do not grow": orders != sorted(orders),
        "the last number in line forgotten": event.last_waitlist_order != max(orders, default=0),
    }
    return [promise for promise, is_broken in broken.items() if is_broken]


def _was_after(waiting: Booking, seated: Booking) -> bool:
    if seated.waitlist_order is None:
        return seated.pk > waiting.pk
    return seated.waitlist_order > (waiting.waitlist_order or 0)


def line(event_id: int) -> list[str]:
    """Who waits, first in line first."""
    waiting = Booking.objects.filter(event_id=event_id, status=BookingStatus.WAITLISTED)
    return list(waiting.order_by("waitlist_order").values_list("user_id", flat=True))
