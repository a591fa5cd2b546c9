"""Lets bookings and cancellations in, in groups: those that wait for the same moment share a
transaction, so that a sale costs a commit per group and not per booking.

A request goes to the desk or to its event's lane (each a `Group` of this process):

    arrives ──► lane of its event, if one is open ─────────────────────┐
        └─────► desk: refused without a lock where the facts suffice   │
                  └─► admitted with all whose event's row is free      │
                  └─► row held by somebody else ──► opens its lane ────┤
                                                                       ▼
                                            lane: waits for the row, then the same decisions

The desk never waits for a row, so an event whose row is held holds up nobody else's. A lane waits,
at most the lock timeout, and is closed when the last of its requests has been answered. A hot
event lives in its lane: while one process writes, the other's requests gather for the next turn.
"""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import Error

from booking_project.bookings import lookups, selectors, services
from booking_project.bookings.errors import AlreadyCancelled, TryAgainLater
from booking_project.bookings.models import Booking, BookingStatus
from booking_project.bookings.requests import Book, Cancel, Request
from shared.connections import give_back_connection
from shared.db.errors import is_unavailable
from shared.errors import DomainError
from shared.grouping import Group, GroupOverdue
from shared.idempotency.attempts import Attempt, Reply

MAX_WAIT_SECONDS = 5.0

HELD = None
Answer = Booking | Reply | Exception | None
Admit = Callable[[Sequence[Request]], Sequence[Answer]]


def book(*, event_id: int, user_id: str) -> Booking:
    """Raises the refusals of rule 2, and `TryAgainLater`."""
    booking = _admission().submit(Book(event_id=event_id, user_id=user_id))
    assert isinstance(booking, Booking)
    return booking


def book_once(*, event_id: int, user_id: str, attempt: Attempt[Booking]) -> Reply:
    """What the first such attempt that succeeded is answered, without a lock if that is known.

    Raises what `book` raises, and `IdempotencyKeyReused`.
    """
    known = lookups.reply_get(attempt=attempt)
    if known is not None:
        return known
    reply = _admission().submit(Book(event_id=event_id, user_id=user_id, attempt=attempt))
    assert isinstance(reply, Reply)
    return reply


def cancel(*, booking_id: int, user_id: str | None = None) -> Booking:
    """Raises `BookingNotFound`, also where it isn't `user_id`'s, `AlreadyCancelled` and
    `TryAgainLater`. Whose it is needs no lock: that never changes."""
    booking = lookups.booking_get(booking_id=booking_id, user_id=user_id)
    if booking.status == BookingStatus.CANCELLED:
        raise AlreadyCancelled  # for good: nothing un-cancels, so no lock is needed to say so
    cancelled = _admission().submit(Cancel(event_id=booking.event_id, booking_id=booking_id))
    assert isinstance(cancelled, Booking)
    return cancelled


class _Admission:
    def __init__(self, *, max_group: int, common_desk: bool) -> None:
        self._max_group = max_group
        self._desk = _Counter(services.admit_to_free_events, max_group, looks_first=False)
        self._common_desk = common_desk
        self._lanes: dict[int, _Counter] = {}
        self._mutex = threading.Lock()

    def submit(self, request: Request) -> Booking | Reply:
        try:
            answer: Answer = HELD
            if self._common_desk and request.event_id not in self._lanes:
                answer = self._desk.group.submit(request)
            if answer is HELD:
                with self._lane(request.event_id) as lane:
                    answer = lane.group.submit(request)
        except GroupOverdue:
            raise TryAgainLater from None
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None, "a lane answers everyone"
        return answer

    @contextmanager
    def _lane(self, event_id: int) -> Iterator["_Counter"]:
        with self._mutex:
            lane = self._lanes.get(event_id)
            if lane is None:
                admit = functools.partial(services.admit_to_event, event_id)
                lane = self._lanes[event_id] = _Counter(admit, self._max_group, looks_first=True)
            lane.users += 1
        try:
            yield lane
        finally:
            with self._mutex:
                lane.users -= 1
                if not lane.users:
                    del self._lanes[event_id]


class _Counter:
    """A desk or a lane: admits groups in its way.

    It looks for what can be refused without a lock before it admits, unless the last group had
    nothing to refuse: while there are seats, the look costs a statement for nothing.
    """

    def __init__(self, admit: Admit, max_group: int, *, looks_first: bool) -> None:
        self.group = Group(self._answer, max_size=max_group, max_wait=MAX_WAIT_SECONDS)
        self.users = 0
        self._admit = admit
        self._looks_first = looks_first

    def _answer(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Raises `TryAgainLater` for all of them."""
        try:
            answers = self._isolated(requests)
        except Error as error:
            if not is_unavailable(error):
                raise
            raise TryAgainLater from error
        finally:
            give_back_connection()
        self._looks_first = any(isinstance(answer, DomainError) for answer in answers)
        return answers

    def _isolated(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """If a group fails because of one of them, each gets a transaction of its own."""
        try:
            return self._refuse_or_admit(requests)
        except Exception as error:
            if is_unavailable(error):
                raise
            if len(requests) == 1:
                return [error]
            return [answer for request in requests for answer in self._isolated([request])]

    def _refuse_or_admit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        if not self._looks_first:
            return self._admit(requests)
        answers: list[Answer] = list(selectors.refusals(requests))
        rest = [position for position, answer in enumerate(answers) if answer is None]
        if rest:
            admitted = self._admit([requests[position] for position in rest])
            for position, answer in zip(rest, admitted, strict=True):
                answers[position] = answer
        return answers


@functools.cache
def _admission() -> _Admission:
    return _Admission(
        max_group=settings.ADMISSION_MAX_GROUP,
        common_desk=settings.ADMISSION_GROUPING == "all",
    )
