"""The rules of booking again, as simple as possible: two lists and no database."""

from dataclasses import dataclass, field
from typing import Literal

Answer = Literal[
    "confirmed",
    "waitlisted",
    "cancelled",
    "event_cancelled",
    "booking_not_open",
    "already_booked",
    "fully_booked",
    "already_cancelled",
]


@dataclass
class PlainEvent:
    max_seats: int
    waitlist_limit: int
    is_open: bool = True
    is_cancelled: bool = False
    cancellation_pending: bool = False
    promotions_pending: bool = False
    confirmed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def book(self, user: str) -> Answer:
        if self.is_cancelled:
            return "event_cancelled"
        if not self.is_open:
            return "booking_not_open"
        if user in self.confirmed or user in self.waiting:
            return "already_booked"
        if len(self.confirmed) < self.max_seats and not self.waiting:
            self.confirmed.append(user)
            return "confirmed"
        if len(self.waiting) < self.waitlist_limit:
            self.waiting.append(user)
            return "waitlisted"
        return "fully_booked"

    def cancel(self, user: str) -> Answer:
        if user in self.confirmed:
            self.confirmed.remove(user)
            self.promote(1)
        elif user in self.waiting:
            self.waiting.remove(user)
        else:
            return "already_cancelled"
        return "cancelled"

    def hear(self, *, promotion_batch: int) -> None:
        """Each message of the event does the first promotions and makes the batches check again."""
        self.cancellation_pending = self.is_cancelled
        self.promote_a_batch(promotion_batch)

    def do_a_batch(self, *, cancellation_batch: int, promotion_batch: int) -> bool:
        """False if nothing was left to do."""
        if self.cancellation_pending:
            self.cancel_a_batch(cancellation_batch)
        elif self.promotions_pending:
            self.promote_a_batch(promotion_batch)
        else:
            return False
        return True

    def cancel_a_batch(self, size: int) -> None:
        """The bookings that come first by name are cancelled."""
        losers = sorted([*self.confirmed, *self.waiting])[:size]
        self.confirmed = [user for user in self.confirmed if user not in losers]
        self.waiting = [user for user in self.waiting if user not in losers]
        self.cancellation_pending = len(losers) == size

    def promote_a_batch(self, size: int) -> None:
        self.promote(size)
        self.promotions_pending = self._can_promote()

    def promote(self, at_most: int) -> None:
        for _ in range(at_most):
            if self._can_promote():
                self.confirmed.append(self.waiting.pop(0))

    def _can_promote(self) -> bool:
        has_idle_seat = len(self.confirmed) < self.max_seats
        return bool(self.waiting) and has_idle_seat and not self.is_cancelled
