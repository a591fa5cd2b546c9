"""Reads of one row by its key: those that wait for the same moment share a query.

Nothing is cached: a query answers only who asked before it began.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import Error
from django.db.models import Model

from booking_project.bookings.errors import BookingNotFound, EventNotFound, TryAgainLater
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.statements import InLine, bookings_in_line
from shared.connections import give_back_connection
from shared.db.errors import is_unavailable
from shared.grouping import Group, GroupOverdue
from shared.idempotency.attempts import Attempt, FirstAnswer, Reply
from shared.idempotency.register import first_answers

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

MAX_GROUP = 256
MAX_WAIT_SECONDS = 5.0

M = TypeVar("M", bound=Model)
Key = TypeVar("Key")
Found = TypeVar("Found")


def event_get(*, event_id: int) -> Event:
    """Raises `EventNotFound` and `TryAgainLater`."""
    event = _submit(_events(), event_id)
    if event is None:
        raise EventNotFound
    return event


def booking_get(*, booking_id: int, user_id: str | None = None) -> Booking:
    """Of `user_id`, where it is given. Raises `BookingNotFound` and `TryAgainLater`."""
    booking = _submit(_bookings(), booking_id)
    if booking is None or user_id not in (None, booking.user_id):
        raise BookingNotFound
    return booking


def booking_get_in_line(
    *, booking_id: int, user_id: str | None = None
) -> "WithAnnotations[Booking, InLine]":
    """`booking_get` with the `waitlist_position`."""
    booking = _submit(_bookings_in_line(), (booking_id, user_id))
    if booking is None:
        raise BookingNotFound
    return booking


def reply_get(*, attempt: Attempt[Any]) -> Reply | None:
    """What the attempt was answered before; None: nothing yet. Raises `IdempotencyKeyReused` and
    `TryAgainLater`."""
    answer = _submit(_first_answers(), attempt)
    return None if answer is None else answer.again(attempt)


def _submit(group: Group[Key, Found], key: Key) -> Found:
    try:
        return group.submit(key)
    except GroupOverdue:
        raise TryAgainLater from None


@functools.cache
def _events() -> Group[int, Event | None]:
    return _lookup_group(Event.objects.in_bulk)


@functools.cache
def _bookings() -> Group[int, Booking | None]:
    return _lookup_group(Booking.objects.in_bulk)


@functools.cache
def _bookings_in_line() -> "Group[tuple[int, str | None], WithAnnotations[Booking, InLine] | None]":
    def find(
        wanted: Sequence[tuple[int, str | None]],
    ) -> "list[WithAnnotations[Booking, InLine] | None]":
        found = bookings_in_line(set(wanted))
        return [
            booking
            if (booking := found.get(booking_id)) and user_id in (None, booking.user_id)
            else None
            for booking_id, user_id in wanted
        ]

    return _group(find)


@functools.cache
def _first_answers() -> Group[Attempt[Any], FirstAnswer | None]:
    def find(attempts: Sequence[Attempt[Any]]) -> list[FirstAnswer | None]:
        known = first_answers(attempts)
        return [known.get(attempt.scope) for attempt in attempts]

    return _group(find)


def _lookup_group(read: Callable[[Collection[int]], Mapping[int, M]]) -> Group[int, M | None]:
    def find(ids: Sequence[int]) -> list[M | None]:
        found = read(set(ids))
        return [found.get(row_id) for row_id in ids]

    return _group(find)


def _group(find: Callable[[Sequence[Key]], Sequence[Found]]) -> Group[Key, Found]:
    def find_or_try_again(keys: Sequence[Key]) -> Sequence[Found]:
        try:
            return find(keys)
        except Error as error:
            if not is_unavailable(error):
                raise
            raise TryAgainLater from error
        finally:
            give_back_connection()

    return Group(find_or_try_again, max_size=MAX_GROUP, max_wait=MAX_WAIT_SECONDS)
