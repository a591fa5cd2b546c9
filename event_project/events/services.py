"""Everything that writes events. Each function is one transaction, which also stores the change's
message. The message is published after the commit."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.utils import timezone

from event_project.events.errors import (
    BookingEndsTooEarly,
    EndsTooEarly,
    EventCancelled,
    EventHasChanged,
    EventNotFound,
)
from event_project.events.models import DEFAULT_CURRENCY, DEFAULT_TIME_ZONE, Event


class EventChanges(TypedDict, total=False):
    """The fields of an event that can be changed. Times are aware; None is unknown."""

    name: str
    max_seats: int
    waitlist_limit: int
    price: Decimal
    booking_start_at: datetime
    booking_end_at: datetime
    description: str | None
    venue: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    time_zone: str
    currency: str
    waiting_room_rate: int | None


def event_create(
    *,
    name: str,
    max_seats: int,
    booking_start_at: datetime,
    booking_end_at: datetime,
    waitlist_limit: int = 0,
    price: Decimal = Decimal(0),
    description: str | None = None,
    venue: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    time_zone: str = DEFAULT_TIME_ZONE,
    currency: str = DEFAULT_CURRENCY,
    waiting_room_rate: int | None = None,
) -> Event:
    """Times are aware.

    Raises `BookingEndsTooEarly`, `EndsTooEarly`, or `IntegrityError` naming the constraint that
    other values break.
    """
    event = Event(
        name=name,
        max_seats=max_seats,
        waitlist_limit=waitlist_limit,
        price=price,
        booking_start_at=booking_start_at,
        booking_end_at=booking_end_at,
        description=description,
        venue=venue,
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone=time_zone,
        currency=currency,
        waiting_room_rate=waiting_room_rate,
    )
    _check_times(event)
    event.save(force_insert=True)
    return event


@transaction.atomic
def event_update(
    *,
    event_id: int,
    changes: EventChanges,
    expected_versions: Collection[int] | None = None,
) -> Event:
    """Change an event, holding its row. If nothing differs, nothing is written or announced.

    Raises, in this order, `ValueError` for fields that aren't in `EventChanges`, `EventNotFound`,
    `EventCancelled`, `EventHasChanged` if the version is none of `expected_versions`,
    `BookingEndsTooEarly` or `EndsTooEarly` for the resulting times, and `IntegrityError` naming the
    constraint that other values break.
    """
    if others := changes.keys() - EventChanges.__annotations__.keys():
        raise ValueError(f"cannot be changed: {', '.join(sorted(others))}")
    event = _lock_event(event_id)
    if event.cancelled_at is not None:
        raise EventCancelled
    if expected_versions is not None and event.version not in expected_versions:
        raise EventHasChanged
    changed = {name: value for name, value in changes.items() if getattr(event, name) != value}
    for name, value in changed.items():
        setattr(event, name, value)
    _check_times(event)
    if changed:
        event.save_locked(update_fields=changed)
    return event


@transaction.atomic
def event_cancel(*, event_id: int) -> Event:
    """Cancel an event, holding its row. An event that is already cancelled stays as it is.

    This can't be undone. Raises `EventNotFound`.
    """
    event = _lock_event(event_id)
    if event.cancelled_at is None:
        event.cancelled_at = timezone.now()
        event.save_locked(update_fields=["cancelled_at"])
    return event


def _lock_event(event_id: int) -> Event:
    event = Event.objects.select_for_update().filter(pk=event_id).first()
    if event is None:
        raise EventNotFound
    return event


def _check_times(event: Event) -> None:
    if event.booking_end_at <= event.booking_start_at:
        raise BookingEndsTooEarly
    if event.starts_at and event.ends_at and event.ends_at < event.starts_at:
        raise EndsTooEarly
