"""Everything that reads without a lock."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from booking_project.bookings.domain.allocation import (
    refuse_closed,
    refuse_full,
    refuse_out_of_turn,
)
from booking_project.bookings.domain.commands import CreateBooking
from booking_project.bookings.domain.errors import AlreadyBooked, EventNotFound
from booking_project.bookings.domain.transitions import SEAT_COUNTERS, BookingStatus, is_active
from booking_project.bookings.models import PENDING_BATCHES, Booking, Event
from booking_project.bookings.storage.sql import FARTHEST_POSITION, Snapshot, snapshot
from shared.db.index_ranges import IndexRange
from shared.errors import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


def event_get(*, event_id: int) -> Event:
    """With everything that is known of it; `event_load` is faster and has no `DESCRIPTIVE`. Raises
    `EventNotFound`."""
    try:
        return Event.objects.get(pk=event_id)
    except Event.DoesNotExist:
        raise EventNotFound from None


def event_list(*, ids: Collection[int] | None = None) -> QuerySet[Event]:
    """All events, or those with these ids, for `values()`: the database computes
    `seats_available`."""
    events = Event.objects.order_by("pk")
    if ids is not None:
        events = events.filter(pk__in=ids)
    return events.annotate(seats_available=_SEATS_AVAILABLE)  # type: ignore[no-redef]


# `Event.seats_taken` and `Event.seats_available` in SQL.
SEATS_TAKEN: Combinable = reduce(add, map(F, SEAT_COUNTERS))
_SEATS_AVAILABLE = Case(
    When(cancelled_at__isnull=False, then=Value(0)),
    default=Greatest(Value(0), F("max_seats") - SEATS_TAKEN),
)


def upcoming_events(*, now: datetime, search: str = "") -> QuerySet[Event]:
    """Events that can be booked at `now` or later, without their descriptions. With `search`, those
    with this text in their name or venue, in either case.

    In the order in which they take place; where that isn't known, in which booking opens. An index
    finds them, however many are over.
    """
    events = Event.objects.filter(cancelled_at__isnull=True, booking_end_at__gte=now)
    if search:
        events = events.filter(Q(name__icontains=search) | Q(venue__icontains=search))
    in_order = events.order_by(F("starts_at").asc(nulls_last=True), "booking_start_at", "pk")
    return in_order.defer("description")


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
    PostgreSQL might walk the index of ids through everybody else's bookings. If the database is
    distributed, a second one can't be named: a node then has only its part of the bookings to walk.
    """
    if column == "event_id" and settings.DISTRIBUTED:
        bookings = Booking.objects.filter(event_id=value)
    else:
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
    refuse_out_of_turn(event, has_turn=command.has_turn)
    if command.user_id in event.active_users:
        raise AlreadyBooked
    refuse_full(event)


def active_booking(*, event_id: int, user_id: str) -> Booking | None:
    """Their seat or place in line at this event; a user has at most one."""
    found = Booking.objects.filter(is_active(), event_id=event_id, user_id=user_id)
    return next(iter(found.order_by()[:1]), None)


MOST_SHOWN = 100


def bookings_shown(*, user_id: str) -> QuerySet[Booking]:
    """A user's latest bookings with their events, the latest first."""
    latest = user_booking_list(user_id=user_id).rows.reverse()
    return latest.select_related("event").defer("event__description")[:MOST_SHOWN]


def waiting_line(*, event_id: int) -> QuerySet[Booking, tuple[int, str]]:
    """The ids and users of those who wait first, in order; at most `FARTHEST_POSITION`."""
    waiting = Booking.objects.filter(event_id=event_id, status=BookingStatus.WAITLISTED)
    in_order = waiting.order_by("waitlist_order").values_list("pk", "user_id")
    return in_order[:FARTHEST_POSITION]
