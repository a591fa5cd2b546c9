"""The rules of booking once more, as plainly as they can be said: two lists and no database."""

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
        elif user in self.waiting:
            self.waiting.remove(user)
        else:
            return "already_cancelled"
        self.promote()
        return "cancelled"

    def change_capacity(self, *, max_seats: int, waitlist_limit: int) -> None:
        self.max_seats, self.waitlist_limit = max_seats, waitlist_limit
        self.promote()

    def be_cancelled(self) -> None:
        self.is_cancelled = self.cancellation_pending = True

    def take_place_after_all(self) -> None:
        self.is_cancelled = self.cancellation_pending = False
        self.promote()

    def cancel_a_batch(self, size: int) -> bool:
        """Whoever comes first by name loses the place. False where nothing was left to do."""
        if not self.cancellation_pending:
            return False
        losers = sorted([*self.confirmed, *self.waiting])[:size]
        self.confirmed = [user for user in self.confirmed if user not in losers]
        self.waiting = [user for user in self.waiting if user not in losers]
        self.cancellation_pending = len(losers) == size
        return True

    def promote(self) -> None:
        while not self.is_cancelled and self.waiting and len(self.confirmed) < self.max_seats:
            self.confirmed.append(self.waiting.pop(0))
