"""An allocation in batches of any size decides like a plain list of seats and a plain line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from booking_project.bookings.domain.allocation import SeatAllocation, honour_what_is_taken
from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    BookingNotFound,
    FullyBooked,
)
from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.models import Booking, BookingStatus
from shared.errors import DomainError
from tests.support.booking.allocations import NOON, event, promoted


@dataclass(frozen=True)
class Book:
    user: str


@dataclass(frozen=True)
class Cancel:
    booking: int


@dataclass(frozen=True)
class Resize:
    """`batch` - how many are promoted with it, at most."""

    max_seats: int
    waitlist_limit: int
    batch: int


Operation = Book | Cancel
Group = list[Operation] | Resize


@dataclass
class Model:
    """One operation after the other, with only a list of seats and a line."""

    max_seats: int
    waitlist_limit: int
    seated: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    users: dict[int, str] = field(default_factory=dict)

    def book(self, user: str) -> str:
        if user in (self.users[number] for number in (*self.seated, *self.line)):
            return AlreadyBooked.code
        number = len(self.users) + 1
        if len(self.seated) < self.max_seats and not self.line:
            self.seated.append(number)
            self.users[number] = user
            return "confirmed"
        if len(self.line) < self.waitlist_limit:
            self.line.append(number)
            self.users[number] = user
            return "waitlisted"
        return FullyBooked.code

    def cancel(self, number: int) -> str:
        if number in self.gone:
            return AlreadyCancelled.code
        if number not in self.users:
            return BookingNotFound.code
        self.gone.add(number)
        if number in self.line:
            self.line.remove(number)
        else:
            self.seated.remove(number)
            self.fill(1)
        return "cancelled"

    def fill(self, at_most: int) -> None:
        for _ in range(at_most):
            if self.line and len(self.seated) < self.max_seats:
                self.seated.append(self.line.pop(0))

    @property
    def has_idle_seats(self) -> bool:
        return bool(self.line) and len(self.seated) < self.max_seats


class Table:
    """The rows. An allocation that gets only what it asks for decides each group."""

    def __init__(self, max_seats: int, waitlist_limit: int) -> None:
        self.event = event(max_seats=max_seats, waitlist_limit=waitlist_limit)
        self.rows: dict[int, Booking] = {}
        self.promotions: list[int | None] = []

    def decide(self, group: Sequence[Operation]) -> list[str]:
        known = {
            operation.booking
            for operation in group
            if isinstance(operation, Cancel) and operation.booking in self.rows
        }
        asking = {operation.user for operation in group if isinstance(operation, Book)}
        allocation = SeatAllocation(
            self.event,
            now=NOON,
            active_users={user for user in asking if user in self.active_users()},
            bookings={number: self.rows[number] for number in known},
            waitlist=self.waiting()[: len(known)],
        )
        outcomes = [self._decide_one(allocation, operation) for operation in group]
        self._write(allocation)
        return outcomes

    def resize(self, change: Resize) -> None:
        self.event.max_seats = change.max_seats
        self.event.waitlist_limit = change.waitlist_limit
        promotable = min(self.event.seats_available, self.event.waitlisted_count, change.batch)
        allocation = SeatAllocation(self.event, now=NOON, waitlist=self.waiting()[:promotable])
        allocation.promote(reason=Reason.CAPACITY_RAISED)
        honour_what_is_taken(allocation.event)
        self._write(allocation)

    def waiting(self) -> list[Booking]:
        rows = [row for row in self.rows.values() if row.status == BookingStatus.WAITLISTED]
        return sorted(rows, key=lambda row: row.waitlist_order or 0)

    def active_users(self) -> list[str]:
        return [row.user_id for row in self.rows.values() if row.status != "cancelled"]

    def numbers(self, status: BookingStatus) -> set[int]:
        return {number for number, row in self.rows.items() if row.status == status}

    def _decide_one(self, allocation: SeatAllocation, operation: Operation) -> str:
        try:
            if isinstance(operation, Book):
                return str(allocation.book(user_id=operation.user).status)
            return str(allocation.cancel(booking_id=operation.booking).status)
        except DomainError as refusal:
            return refusal.code

    def _write(self, allocation: SeatAllocation) -> None:
        changed = Counter(row.pk for row in allocation.updated)
        assert all(count == 1 for count in changed.values()), "one update per row"
        assert all(
            self.rows[pk] is row for pk, row in zip(changed, allocation.updated, strict=True)
        )
        self.promotions += [row.waitlist_order for row in promoted(allocation)]
        for booking in allocation.created:
            booking.pk = len(self.rows) + 1
            self.rows[booking.pk] = booking


USERS = [f"user-{number}" for number in range(8)]
OPERATIONS = st.one_of(
    st.builds(Book, st.sampled_from(USERS)), st.builds(Cancel, st.integers(1, 25))
)
GROUPS = st.one_of(
    st.lists(OPERATIONS, min_size=1, max_size=8),
    st.builds(Resize, st.integers(1, 5), st.integers(0, 4), st.integers(1, 5)),
)


@given(
    max_seats=st.integers(1, 4),
    waitlist_limit=st.integers(0, 3),
    groups=st.lists(GROUPS, max_size=15),
)
@example(
    max_seats=1,
    waitlist_limit=3,
    groups=[[Book("user-0"), Book("user-1"), Book("user-2")], [Cancel(1), Cancel(2), Cancel(1)]],
)
def test_groups_are_decided_as_their_members_one_by_one(
    max_seats: int, waitlist_limit: int, groups: list[Group]
) -> None:
    table, model = Table(max_seats, waitlist_limit), Model(max_seats, waitlist_limit)
    pending = False
    for group in groups:
        before = table.event.confirmed_count
        if isinstance(group, Resize):
            table.resize(group)
            model.max_seats, model.waitlist_limit = group.max_seats, group.waitlist_limit
            model.fill(group.batch)
            pending = model.has_idle_seats
        else:
            existing = len(model.users)
            group = [
                operation
                for operation in group
                # What a group books has no number before the group is written.
                if isinstance(operation, Book)
                or operation.booking <= existing
                or operation.booking > existing + len(group)
            ]
            expected = [
                model.book(operation.user)
                if isinstance(operation, Book)
                else model.cancel(operation.booking)
                for operation in group
            ]
            assert table.decide(group) == expected
        agree(table, model)
        assert pending or not model.has_idle_seats
        keep_the_rules(table, confirmed_before=before)


def agree(table: Table, model: Model) -> None:
    assert table.numbers(BookingStatus.CONFIRMED) == set(model.seated)
    assert [row.pk for row in table.waiting()] == model.line
    assert table.numbers(BookingStatus.CANCELLED) == model.gone
    assert {pk: row.user_id for pk, row in table.rows.items()} == model.users


def keep_the_rules(table: Table, *, confirmed_before: int) -> None:
    of = table.event
    assert of.confirmed_count == len(table.numbers(BookingStatus.CONFIRMED))
    assert of.waitlisted_count == len(table.waiting())
    assert of.confirmed_count <= max(of.max_seats, confirmed_before), "never oversold"
    assert of.confirmed_count <= of.max_seats or of.confirmed_count == of.honoured_seats
    assert of.waitlisted_count <= of.waitlist_limit or of.waitlisted_count == of.honoured_waitlist
    users = table.active_users()
    assert len(users) == len(set(users)), "one active booking per user"
    orders = [row.waitlist_order for row in table.rows.values() if row.waitlist_order is not None]
    assert orders == list(range(1, len(orders) + 1)), "unique, and growing with the row's number"
    assert table.promotions == sorted(table.promotions, key=lambda order: order or 0)
