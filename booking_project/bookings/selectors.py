"""Everything that reads without a lock."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from booking_project.bookings.domain.allocation import refuse_closed, refuse_full
from booking_project.bookings.domain.commands import CreateBooking
from booking_project.bookings.domain.errors import AlreadyBooked, EventNotFound
from booking_project.bookings.domain.transitions import BookingStatus, is_active
from booking_project.bookings.models import PENDING_BATCHES, Booking, Event
from booking_project.bookings.storage.sql import Snapshot, snapshot
from shared.db.index_ranges import IndexRange
from shared.errors import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


def booking_list(
    *, event_id: int, status: BookingStatus | None = None, user_id: str | None = None
) -> IndexRange:
    """Filtered by status and user, if given. Raises `EventNotFound`.

    Reads only what it shows, or with a user at most all of that user's bookings.
    """
    if not Event.objects.filter(pk=event_id).exists():
        raise EventNotFound
    if user_id is not None:
        of_user = user_booking_list(user_id=user_id, status=status)
        return of_user._replace(rows=of_user.rows.filter(event_id=event_id))
    return _of_one("event_id", event_id, status=status)


def user_booking_list(*, user_id: str, status: BookingStatus | None = None) -> IndexRange:
    """Across all events, filtered by status, if given. Reads only what it shows."""
    return _of_one("user_id", user_id, status=status)


# Values that no row has: constraints ensure it.
_NOWHERE = {"event_id": 0, "user_id": ""}


def _of_one(column: str, value: int | str, *, status: BookingStatus | None) -> IndexRange:
    """Ordered by id, using the index that begins with `column`.

    If the column could only have one value, the order would be that of the id alone, and
    PostgreSQL might walk the primary key through everybody else's bookings.
    """
    bookings = Booking.objects.filter(**{f"{column}__in": [value, _NOWHERE[column]]})
    if status is not None:
        bookings = bookings.filter(status=status)
    return IndexRange(bookings.order_by(column, "pk"), column, value)


def active_bookings(*, event_id: int) -> QuerySet[Booking]:
    """Ordered by user, as in the only index that excludes cancelled bookings."""
    bookings = Booking.objects.filter(is_active(), event_id=event_id)
    return bookings.order_by("user_id")


def event_with_pending_batches(*, after: int) -> int | None:
    """The next event by id, wrapping around, with batches to do; None if there is none."""
    pending = Event.objects.filter(PENDING_BATCHES).order_by("pk").values_list("pk", flat=True)
    return pending.filter(pk__gt=after).first() or pending.first()


def refusals_without_lock(
    commands: Sequence[CreateBooking],
) -> Iterator[tuple[CreateBooking, DomainError]]:
    """The bookings that must be refused, and why. The others need the event's row.

    Everything comes from one statement, so each refusal was true at one moment of its request.
    """
    events = snapshot(commands) if commands else {}
    for command in commands:
        try:
            _refuse(events.get(command.event_id), command)
        except DomainError as refusal:
            yield command, refusal


def _refuse(event: "WithAnnotations[Event, Snapshot] | None", command: CreateBooking) -> None:
    """Rule 2, in its order."""
    if event is None:
        raise EventNotFound
    refuse_closed(event, now=event.now)
    if command.user_id in event.active_users:
        raise AlreadyBooked
    refuse_full(event)
