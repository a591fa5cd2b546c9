"""Everything that reads without a lock."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from booking_project.bookings.errors import (
    AlreadyBooked,
    EventNotFound,
)
from booking_project.bookings.ledger import refuse_closed, refuse_full
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.requests import Book, Request
from booking_project.bookings.statements import Snapshot, snapshot
from shared.errors import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


def booking_list(*, event_id: int, status: BookingStatus | None = None) -> QuerySet[Booking]:
    """Raises `EventNotFound`."""
    if not Event.objects.filter(pk=event_id).exists():
        raise EventNotFound
    bookings = Booking.objects.filter(event_id=event_id)
    return bookings if status is None else bookings.filter(status=status)


def refusals(requests: Sequence[Request]) -> list[DomainError | None]:
    """Bookings that can be refused without a lock: None where only the event's row can tell.

    All facts come from one statement, so each refusal was true at one moment of the request.
    """
    bookings = [request for request in requests if isinstance(request, Book)]
    if not bookings:
        return [None] * len(requests)
    events = snapshot(bookings)
    return [
        _refusal(events.get(request.event_id), request) if isinstance(request, Book) else None
        for request in requests
    ]


def _refusal(event: "WithAnnotations[Event, Snapshot] | None", request: Book) -> DomainError | None:
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
