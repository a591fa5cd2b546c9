"""Reads of one row by its id: those that wait for the same moment share a query.

Nothing is cached: a query answers only who asked before it began.
"""

import functools
from collections.abc import Sequence
from typing import TypeVar

from django.db import OperationalError
from django.db.models import Model

from booking_project.bookings.errors import BookingNotFound, EventNotFound, TryAgainLater
from booking_project.bookings.models import Booking, Event
from shared.connections import give_back_connection
from shared.grouping import Group, GroupOverdue

MAX_GROUP = 256
MAX_WAIT_SECONDS = 5.0

M = TypeVar("M", bound=Model)


def event_get(*, event_id: int) -> Event:
    """Raises `EventNotFound` and `TryAgainLater`."""
    event = _submit(_events(), event_id)
    if event is None:
        raise EventNotFound
    return event


def booking_get(*, booking_id: int) -> Booking:
    """Raises `BookingNotFound` and `TryAgainLater`."""
    booking = _submit(_bookings(), booking_id)
    if booking is None:
        raise BookingNotFound
    return booking


def _submit(group: Group[int, M | None], row_id: int) -> M | None:
    try:
        return group.submit(row_id)
    except GroupOverdue:
        raise TryAgainLater from None


@functools.cache
def _events() -> Group[int, Event | None]:
    return _lookup_group(Event)


@functools.cache
def _bookings() -> Group[int, Booking | None]:
    return _lookup_group(Booking)


def _lookup_group(model: type[M]) -> Group[int, M | None]:
    def find(ids: Sequence[int]) -> list[M | None]:
        try:
            rows = model._default_manager.in_bulk(set(ids))
        except OperationalError as error:
            raise TryAgainLater from error
        finally:
            give_back_connection()
        return [rows.get(row_id) for row_id in ids]

    return Group(find, max_size=MAX_GROUP, max_wait=MAX_WAIT_SECONDS)
