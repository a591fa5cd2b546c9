"""Reads by key: requests that need them at the same moment share one query.

Nothing is cached: a query only serves requests that arrived before it began.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from booking_project.bookings.domain.errors import BookingNotFound, EventNotFound, TryAgainLater
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.representation import BOOKING_CODEC
from booking_project.bookings.storage.sql import (
    InLine,
    bookings_by_id,
    bookings_in_line,
    events_by_id,
)
from shared.concurrency.batching import Batcher, BatchFailed, NotStarted, Outcome
from shared.db.errors import is_unavailable
from shared.db.release import release_connection
from shared.errors import DomainError
from shared.idempotency.requests import IdempotentRequest, Result, StoredResult
from shared.idempotency.store import find_stored, replay

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

MAX_BATCH = 256
MAX_WAIT_SECONDS = 5.0

BookingOfUser = tuple[int, str | None]

Key = TypeVar("Key")
Row = TypeVar("Row")


def event_load(*, event_id: int) -> Event:
    """Raises `EventNotFound` and `TryAgainLater`."""
    return _events().load(event_id)


def booking_load(*, booking_id: int, user_id: str | None = None) -> Booking:
    """`user_id` restricts it to that user's bookings. Raises `BookingNotFound`, `TryAgainLater`."""
    booking = _bookings().load(booking_id)
    if user_id not in (None, booking.user_id):
        raise BookingNotFound
    return booking


def booking_load_in_line(
    *, booking_id: int, user_id: str | None = None
) -> "WithAnnotations[Booking, InLine]":
    """`booking_load` with the `waitlist_position`."""
    return _bookings_in_line().load((booking_id, user_id))


def result_load(*, request: IdempotentRequest) -> Result[Booking] | None:
    """The result of an earlier request with this key; None if there is none yet.

    Raises `IdempotencyKeyReused` and `TryAgainLater`.
    """
    stored = _stored_results().load(request)
    return None if stored is None else replay(stored, request, BOOKING_CODEC)


@dataclass(frozen=True, slots=True, eq=False)
class _Load(Generic[Key, Row]):
    key: Key
    outcome: Outcome[Row] = field(default_factory=Outcome)


class Loader(Generic[Key, Row]):
    """`read` takes keys and returns the rows that exist; `missing` is raised for the others."""

    def __init__(
        self,
        read: Callable[[Collection[Key]], Mapping[Key, Row]],
        *,
        missing: type[DomainError],
    ) -> None:
        self._read = read
        self._missing = missing
        self._batcher: Batcher[_Load[Key, Row]] = Batcher(
            self._process, max_size=MAX_BATCH, failure=_failure
        )

    def load(self, key: Key) -> Row:
        """Raises `missing` and `TryAgainLater`."""
        command: _Load[Key, Row] = _Load(key)
        self._batcher.add(command)
        try:
            return command.outcome.result(max_wait=MAX_WAIT_SECONDS)
        except NotStarted:
            raise TryAgainLater from None

    def _process(self, loads: list[_Load[Key, Row]]) -> None:
        try:
            rows = self._read({load.key for load in loads})
        finally:
            release_connection()
        for load in loads:
            if load.key in rows:
                load.outcome.set_result(rows[load.key])
            else:
                load.outcome.set_exception(self._missing())


def _failure(error: BaseException) -> Exception:
    return TryAgainLater() if is_unavailable(error) else BatchFailed()


@functools.cache
def _events() -> Loader[int, Event]:
    return Loader(events_by_id, missing=EventNotFound)


@functools.cache
def _bookings() -> Loader[int, Booking]:
    return Loader(bookings_by_id, missing=BookingNotFound)


@functools.cache
def _bookings_in_line() -> "Loader[BookingOfUser, WithAnnotations[Booking, InLine]]":
    return Loader(read_in_line, missing=BookingNotFound)


def read_in_line(
    wanted: Collection[BookingOfUser],
) -> "dict[BookingOfUser, WithAnnotations[Booking, InLine]]":
    """Leaves out bookings that aren't the given user's, even if another request in the same batch
    may see them."""
    bookings = bookings_in_line(wanted)
    return {
        (booking_id, user_id): booking
        for booking_id, user_id in wanted
        if (booking := bookings.get(booking_id)) and user_id in (None, booking.user_id)
    }


@functools.cache
def _stored_results() -> Loader[IdempotentRequest, StoredResult | None]:
    def read(
        requests: Collection[IdempotentRequest],
    ) -> dict[IdempotentRequest, StoredResult | None]:
        stored = find_stored(requests)
        return {request: stored.get(request.scope) for request in requests}

    return Loader(read, missing=BookingNotFound)
