"""The rules of booking, applied in memory to one event whose row is locked."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    BookingNotFound,
    BookingNotOpen,
    EventCancelled,
    FullyBooked,
    MustWait,
)
from booking_project.bookings.domain.transitions import (
    CANCEL_FROM,
    CONFIRM,
    COUNTERS,
    FINAL_STATUSES,
    JOIN_WAITLIST,
    PROMOTE,
    STATUSES,
    BookingStatus,
    Reason,
    Transition,
)
from booking_project.bookings.models import Booking, Event
from shared.observability.request_id import request_id
from shared.observability.tracing import Step, step


def refuse_closed(event: Event, *, now: datetime) -> None:
    """Rule 2, first half. Raises `EventCancelled` or `BookingNotOpen`. Both ends are inclusive."""
    if event.cancelled_at is not None:
        raise EventCancelled
    if not event.booking_start_at <= now <= event.booking_end_at:
        raise BookingNotOpen


def refuse_out_of_turn(event: Event, *, has_turn: bool) -> None:
    """Raises `MustWait` if the event has a waiting room and the user has no turn."""
    if event.waiting_room_rate is not None and not has_turn:
        raise MustWait


def has_free_seat(event: Event) -> bool:
    """Rule 4: while anyone is waiting, a free seat goes to the waitlist, not to a newcomer."""
    return event.waitlisted_count == 0 and event.seats_taken < event.max_seats


def refuse_full(event: Event) -> None:
    """Rule 2, second half. Raises `FullyBooked`."""
    if not has_free_seat(event) and event.waitlisted_count >= event.waitlist_limit:
        raise FullyBooked


def honour_what_is_taken(event: Event) -> None:
    """Rule 8. Called where places are given up or capacities change, never where a place is taken:
    the database refuses a count above its capacity unless the excess is recorded here."""
    event.honoured_seats = _excess(event.seats_taken, event.max_seats)
    event.honoured_waitlist = _excess(event.waitlisted_count, event.waitlist_limit)


class Change(NamedTuple):
    """What a transaction did to `booking`. `actor` is empty for its user and for no one.

    `request_id` is the request that caused it, which for a promotion is another user's, and `step`
    that of its trace."""

    booking: Booking
    transition: Transition
    reason: Reason
    actor: str = ""
    request_id: str = ""
    step: Step | None = None

    @property
    def is_history(self) -> bool:
        """Whether the booking's own row would not tell."""
        return self.transition.source is not None or self.actor != ""


class SeatAllocation:
    """Assigns and frees the seats of one event, one command at a time, and collects what has to be
    written and announced.

    `event` is locked. It and everything else was read after the lock was taken:
    `active_users` - the requesting users who already have an active booking;
    `bookings` - the bookings to be cancelled, by id;
    `waitlist` - the head of the waitlist, at least as many as there are seats to be given up;
    `now` - the database server's clock.

    Only bookings in `waitlist` are promoted. If more seats than that are idle, the rest stay idle,
    and nobody gets one out of turn.
    """

    def __init__(
        self,
        event: Event,
        *,
        now: datetime,
        active_users: Iterable[str] = (),
        bookings: Mapping[int, Booking] | None = None,
        waitlist: Iterable[Booking] = (),
    ) -> None:
        self.event = event
        self.created: list[Booking] = []
        self._changes: dict[int, Change] = {}
        self._counts_before = self._counts()
        self._now = now
        self._active_users = set(active_users)
        self._waitlist = deque(waitlist)
        # One object per row. Otherwise a booking that is promoted and then cancelled would be both.
        self._bookings = {**(bookings or {}), **{booking.pk: booking for booking in self._waitlist}}

    def book(self, *, user_id: str, actor: str = "", has_turn: bool = False) -> Booking:
        """Raises the refusals of rule 2, in its order, and `MustWait` before those of the user."""
        refuse_closed(self.event, now=self._now)
        refuse_out_of_turn(self.event, has_turn=has_turn)
        if user_id in self._active_users:
            raise AlreadyBooked
        refuse_full(self.event)
        booking = Booking(
            event_id=self.event.pk, user_id=user_id, created_at=self._now, updated_at=self._now
        )
        if has_free_seat(self.event):
            self._change(booking, CONFIRM, Reason.BOOKED, actor)
        else:
            self.event.last_waitlist_order += 1
            booking.waitlist_order = self.event.last_waitlist_order
            if len(self._waitlist) == self.event.waitlisted_count:
                # Everyone waiting is known here, so the newcomer comes right after them.
                self._waitlist.append(booking)
            self._change(booking, JOIN_WAITLIST, Reason.BOOKED, actor)
        self._active_users.add(user_id)
        self.created.append(booking)
        return booking

    def cancel(
        self, *, booking_id: int, reason: Reason = Reason.CANCELLED_BY_USER, actor: str = ""
    ) -> Booking:
        """Cancel, and if that frees a seat, promote the first in line: only one, even if more seats
        are idle.

        Raises `BookingNotFound`, or `AlreadyCancelled`, which frees nothing (rule 5).
        """
        booking = self._bookings.get(booking_id)
        if booking is None:
            raise BookingNotFound
        status = BookingStatus(booking.status)
        if status in FINAL_STATUSES:
            raise AlreadyCancelled
        if booking in self._waitlist:
            self._waitlist.remove(booking)
        self._change(booking, CANCEL_FROM[status], reason, actor)
        self._active_users.discard(booking.user_id)
        if STATUSES[status].takes_seat:
            self._promote_first(reason=Reason.SEAT_FREED)
        honour_what_is_taken(self.event)
        return booking

    def promote(self, *, reason: Reason) -> None:
        """Give free seats to the known head of the waitlist (rules 3, 4 and 9)."""
        while self._promote_first(reason=reason):
            pass

    @property
    def changes(self) -> list[Change]:
        """One for each booking, ordered by its last change."""
        return list(self._changes.values())

    @property
    def count_changes(self) -> tuple[int, ...]:
        """What was added to each of `COUNTERS`."""
        return tuple(
            now - before for now, before in zip(self._counts(), self._counts_before, strict=True)
        )

    @property
    def updated(self) -> list[Booking]:
        """Bookings whose rows must be updated, each once, with its final status.

        Read this before inserting the bookings created here, because then those have ids, too.
        """
        return [change.booking for change in self.changes if change.booking.pk is not None]

    def _change(
        self, booking: Booking, transition: Transition, reason: Reason, actor: str = ""
    ) -> None:
        """If a booking changes several times, only the outcome is kept; nobody ever sees the
        intermediate states. A newcomer promoted at once is just told `confirmed`."""
        for counter, change in transition.counter_changes:
            setattr(self.event, counter, getattr(self.event, counter) + change)
        booking.status = transition.target
        booking.updated_at = self._now
        cause, cause_step = request_id.get(), step.get()
        earlier = self._changes.pop(id(booking), None)
        if earlier is not None and transition is PROMOTE:
            _, _, reason, actor, cause, cause_step = earlier
            transition = CONFIRM
        self._changes[id(booking)] = Change(booking, transition, reason, actor, cause, cause_step)

    def _promote_first(self, *, reason: Reason) -> bool:
        """Whether there was a free seat and a waiting booking to take it."""
        event = self.event
        if event.cancelled_at is not None or event.seats_taken >= event.max_seats:
            return False
        if not self._waitlist:
            return False
        self._change(self._waitlist.popleft(), PROMOTE, reason)
        return True

    def _counts(self) -> tuple[int, ...]:
        return tuple(getattr(self.event, counter) for counter in COUNTERS)


def _excess(taken: int, capacity: int) -> int:
    return taken if taken > capacity else 0
