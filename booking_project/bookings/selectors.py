"""Everything that reads without a lock."""

from collections import defaultdict
from collections.abc import Sequence

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, Func, OuterRef, QuerySet

from booking_project.bookings.errors import (
    AlreadyBooked,
    BookingNotFound,
    EventNotFound,
)
from booking_project.bookings.ledger import refuse_closed, refuse_full
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.requests import Book, Request
from shared.errors import DomainError


class ClockTimestamp(Func):
    """The database server's clock at this moment, not at the start of the transaction."""

    function = "CLOCK_TIMESTAMP"
    output_field = DateTimeField()


def event_get(*, event_id: int) -> Event:
    """Raises `EventNotFound`."""
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise EventNotFound
    return event


def booking_get(*, booking_id: int) -> Booking:
    """Raises `BookingNotFound`."""
    booking = Booking.objects.filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    return booking


def booking_list(*, event_id: int, status: BookingStatus | None = None) -> QuerySet[Booking]:
    """Raises `EventNotFound`."""
    event_get(event_id=event_id)
    bookings = Booking.objects.filter(event_id=event_id)
    return bookings if status is None else bookings.filter(status=status)


def booking_event_id(*, booking_id: int) -> int:
    """Raises `BookingNotFound`."""
    event_id = Booking.objects.filter(pk=booking_id).values_list("event_id", flat=True).first()
    if event_id is None:
        raise BookingNotFound
    return event_id


def refusals(requests: Sequence[Request]) -> list[DomainError | None]:
    """Bookings that can be refused without a lock: None where only the event's row can tell.

    All facts come from one statement, so each refusal was true at one moment of the request.
    """
    users: dict[int, list[str]] = defaultdict(list)
    for request in requests:
        if isinstance(request, Book):
            users[request.event_id].append(request.user_id)
    if not users:
        return [None] * len(requests)
    active = Booking.objects.filter(
        event_id=OuterRef("pk"), user_id__in={user for group in users.values() for user in group}
    ).exclude(status=BookingStatus.CANCELLED)
    events = (
        Event.objects.filter(pk__in=users)
        .annotate(active_users=ArraySubquery(active.values("user_id")), now=ClockTimestamp())
        .in_bulk()
    )
    return [
        _refusal(events.get(request.event_id), request) if isinstance(request, Book) else None
        for request in requests
    ]


def _refusal(event: Event | None, request: Book) -> DomainError | None:
    try:
        if event is None:
            raise EventNotFound
        refuse_closed(event, now=event.now)
        if request.user_id in event.active_users:
            raise AlreadyBooked
        refuse_full(event)
    except DomainError as refusal:
        return refusal
    return None
