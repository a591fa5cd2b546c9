"""The rules of booking, applied in memory to one event whose row is locked."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from booking_project.bookings.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    BookingNotFound,
    BookingNotOpen,
    EventCancelled,
    FullyBooked,
)
from booking_project.bookings.facts import Cause, Fact, Happening
from booking_project.bookings.models import Booking, BookingStatus, Event


def refuse_closed(event: Event, *, now: datetime) -> None:
    """Rule 2, first half. Raises `EventCancelled` or `BookingNotOpen`; both ends are inside."""
    if event.cancelled_at is not None:
        raise EventCancelled
    if not event.booking_start_at <= now <= event.booking_end_at:
        raise BookingNotOpen


def has_free_seat(event: Event) -> bool:
    """Rule 4: while anyone waits, a free seat is theirs and not free for a newcomer."""
    return event.confirmed_count < event.max_seats and event.waitlisted_count == 0


def refuse_full(event: Event) -> None:
    """Rule 2, second half. Raises `FullyBooked`."""
    if not has_free_seat(event) and event.waitlisted_count >= event.waitlist_limit:
        raise FullyBooked


class Ledger:
    """Books and cancels, one request after the other, and keeps what has to be written and told.

    `event` is locked and read after the lock, and so is everything else:
    `active_users` - those of the requesting users who have an active booking;
    `bookings` - those that are asked to be cancelled, by id;
    `waitlist` - the head of the waitlist, at least as many as there are seats to be given up;
    `now` - the database server's clock.

    Nobody is promoted who isn't in `waitlist`: where there are more idle seats than that, they
    stay idle, and nobody gets one out of turn.
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
        self._facts: dict[int, Fact] = {}
        self._confirmed_before = event.confirmed_count
        self._waitlisted_before = event.waitlisted_count
        self._now = now
        self._active_users = set(active_users)
        self._waitlist = deque(waitlist)
        # One object per row, or a booking that is promoted and then cancelled would be both.
        self._bookings = {**(bookings or {}), **{booking.pk: booking for booking in self._waitlist}}

    def book(self, *, user_id: str) -> Booking:
        """Raises the refusals of rule 2, in its order."""
        refuse_closed(self.event, now=self._now)
        if user_id in self._active_users:
            raise AlreadyBooked
        refuse_full(self.event)
        booking = Booking(
            event=self.event, user_id=user_id, created_at=self._now, updated_at=self._now
        )
        if has_free_seat(self.event):
            happening = Happening.CONFIRMED
            booking.status = BookingStatus.CONFIRMED
            self.event.confirmed_count += 1
        else:
            happening = Happening.WAITLISTED
            self.event.last_waitlist_order += 1
            booking.status = BookingStatus.WAITLISTED
            booking.waitlist_order = self.event.last_waitlist_order
            if len(self._waitlist) == self.event.waitlisted_count:
                # All who wait are known here, so the newcomer is the next after them.
                self._waitlist.append(booking)
            self.event.waitlisted_count += 1
        self._active_users.add(user_id)
        self.created.append(booking)
        self._note(booking, happening, Cause.BOOKED)
        return booking

    def cancel(self, *, booking_id: int, cause: Cause = Cause.CANCELLED_BY_USER) -> Booking:
        """Cancel, and promote the first in line if that frees a seat: one, even if more are idle.

        Raises `BookingNotFound` or `AlreadyCancelled`; the latter frees nothing (rule 5).
        """
        booking = self._bookings.get(booking_id)
        if booking is None:
            raise BookingNotFound
        if booking.status == BookingStatus.CANCELLED:
            raise AlreadyCancelled
        had_a_seat = booking.status == BookingStatus.CONFIRMED
        if had_a_seat:
            self.event.confirmed_count -= 1
        else:
            self._leave_waitlist(booking)
        booking.status = BookingStatus.CANCELLED
        booking.updated_at = self._now
        self._active_users.discard(booking.user_id)
        self._note(booking, Happening.CANCELLED, cause)
        if had_a_seat:
            self._promote_first(cause=Cause.SEAT_FREED)
        self.honour_what_is_taken()
        return booking

    def promote(self, *, cause: Cause) -> None:
        """Give free seats to the head of the waitlist, as far as that is known (rules 3, 4, 9)."""
        while self._promote_first(cause=cause):
            pass

    def honour_what_is_taken(self) -> None:
        """Rule 8. Only where places are given up or capacities change, never where one is taken:
        the database refuses a count above its capacity unless it stands here, too."""
        event = self.event
        event.honoured_seats = _excess(event.confirmed_count, event.max_seats)
        event.honoured_waitlist = _excess(event.waitlisted_count, event.waitlist_limit)

    @property
    def facts(self) -> list[Fact]:
        """What became of each booking, once per booking, in the order of the last changes."""
        return list(self._facts.values())

    @property
    def confirmed_change(self) -> int:
        return self.event.confirmed_count - self._confirmed_before

    @property
    def waitlisted_change(self) -> int:
        return self.event.waitlisted_count - self._waitlisted_before

    @property
    def changed(self) -> list[Booking]:
        """Bookings whose rows must be updated, each once, with its final status.

        To be asked before what was created here is inserted and has ids as well.
        """
        return [fact.booking for fact in self.facts if fact.booking.pk is not None]

    def _note(self, booking: Booking, happening: Happening, cause: Cause) -> None:
        """Only what is left at the end of the transaction was ever true for anybody else. Who books
        and moves up in the same one is answered `confirmed`, and is not told of a line."""
        earlier = self._facts.pop(id(booking), None)
        if earlier is not None and happening is Happening.PROMOTED:
            happening, cause = Happening.CONFIRMED, Cause.BOOKED
        self._facts[id(booking)] = Fact(booking, happening, cause)

    def _promote_first(self, *, cause: Cause) -> bool:
        event = self.event
        if event.cancelled_at is not None or event.confirmed_count >= event.max_seats:
            return False
        if not self._waitlist:
            return False
        booking = self._waitlist.popleft()
        booking.status = BookingStatus.CONFIRMED
        booking.updated_at = self._now
        event.waitlisted_count -= 1
        event.confirmed_count += 1
        self._note(booking, Happening.PROMOTED, cause)
        return True

    def _leave_waitlist(self, booking: Booking) -> None:
        self.event.waitlisted_count -= 1
        if booking in self._waitlist:
            self._waitlist.remove(booking)


def _excess(taken: int, capacity: int) -> int:
    return taken if taken > capacity else 0
