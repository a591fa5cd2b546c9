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
from django.db import InternalError, OperationalError

from booking_project.bookings import lookups, selectors, services
from booking_project.bookings.errors import AlreadyCancelled, TryAgainLater
from booking_project.bookings.models import Booking, BookingStatus
from booking_project.bookings.requests import Book, Cancel, Request
from shared.connections import give_back_connection
from shared.grouping import Group, GroupOverdue

MAX_WAIT_SECONDS = 5.0

HELD = None
Answer = Booking | Exception | None
Admit = Callable[[Sequence[Request]], Sequence[Answer]]


def book(*, event_id: int, user_id: str) -> Booking:
    """Raises the refusals of rule 2, and `TryAgainLater`."""
    return _admission().submit(Book(event_id=event_id, user_id=user_id))


def cancel(*, booking_id: int) -> Booking:
    """Raises `BookingNotFound`, `AlreadyCancelled` and `TryAgainLater`."""
    booking = lookups.booking_get(booking_id=booking_id)
    if booking.status == BookingStatus.CANCELLED:
        raise AlreadyCancelled  # for good: nothing un-cancels, so no lock is needed to say so
    return _admission().submit(Cancel(event_id=booking.event_id, booking_id=booking_id))


class _Lane:
    def __init__(self, group: Group[Request, Answer]) -> None:
        self.group = group
        self.users = 0


class _Admission:
    def __init__(self, *, max_group: int, common_desk: bool) -> None:
        self._max_group = max_group
        self._desk = self._group(_at_desk) if common_desk else None
        self._lanes: dict[int, _Lane] = {}
        self._mutex = threading.Lock()

    def submit(self, request: Request) -> Booking:
        try:
            answer: Answer = HELD
            if self._desk is not None and request.event_id not in self._lanes:
                answer = self._desk.submit(request)
            if answer is HELD:
                with self._lane(request.event_id) as lane:
                    answer = lane.submit(request)
        except GroupOverdue:
            raise TryAgainLater from None
        if isinstance(answer, Booking):
            return answer
        assert answer is not None, "a lane answers everyone"
        raise answer

    @contextmanager
    def _lane(self, event_id: int) -> Iterator[Group[Request, Answer]]:
        with self._mutex:
            lane = self._lanes.get(event_id)
            if lane is None:
                handle = functools.partial(_in_lane, event_id)
                lane = self._lanes[event_id] = _Lane(self._group(handle))
            lane.users += 1
        try:
            yield lane.group
        finally:
            with self._mutex:
                lane.users -= 1
                if not lane.users:
                    del self._lanes[event_id]

    def _group(self, handle: Admit) -> Group[Request, Answer]:
        return Group(handle, max_size=self._max_group, max_wait=MAX_WAIT_SECONDS)


@functools.cache
def _admission() -> _Admission:
    return _Admission(
        max_group=settings.ADMISSION_MAX_GROUP,
        common_desk=settings.ADMISSION_GROUPING == "all",
    )


def _at_desk(requests: Sequence[Request]) -> Sequence[Answer]:
    return _answer(requests, services.admit_to_free_events)


def _in_lane(event_id: int, requests: Sequence[Request]) -> Sequence[Answer]:
    return _answer(requests, functools.partial(services.admit_to_event, event_id))


def _answer(requests: Sequence[Request], admit: Admit) -> Sequence[Answer]:
    """Raises `TryAgainLater` for all of them."""
    try:
        return _isolated(requests, admit)
    except (OperationalError, InternalError) as error:
        # The connection is lost, or a lock, statement or idle timeout (25P03, an InternalError).
        raise TryAgainLater from error
    finally:
        give_back_connection()


def _isolated(requests: Sequence[Request], admit: Admit) -> Sequence[Answer]:
    """The group failed because of one of them: then each gets a transaction of its own."""
    try:
        return _refuse_or_admit(requests, admit)
    except (OperationalError, InternalError):
        raise
    except Exception as error:
        if len(requests) == 1:
            return [error]
        return [answer for request in requests for answer in _isolated([request], admit)]


def _refuse_or_admit(requests: Sequence[Request], admit: Admit) -> Sequence[Answer]:
    """Refuse what needs no lock, admit the rest."""
    answers: list[Answer] = list(selectors.refusals(requests))
    rest = [position for position, answer in enumerate(answers) if answer is None]
    if rest:
        admitted = admit([requests[position] for position in rest])
        for position, answer in zip(rest, admitted, strict=True):
            answers[position] = answer
    return answers
