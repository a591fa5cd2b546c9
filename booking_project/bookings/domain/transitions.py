"""Which statuses a booking may have, and how it gets from one to the next.

Constraints, SQL, selectors, counters and messages follow these tables. A new status needs a row in
`STATUSES`, its transitions, and a column on the event that counts it.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from django.db.models import Q, TextChoices


class BookingStatus(TextChoices):
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class StatusRule:
    """`counter` is the event's column that counts bookings of this status; a status without one is
    final. `takes_seat` is true if the counted bookings hold seats."""

    counter: str | None = None
    takes_seat: bool = False


STATUSES = {
    BookingStatus.CONFIRMED: StatusRule(counter="confirmed_count", takes_seat=True),
    BookingStatus.WAITLISTED: StatusRule(counter="waitlisted_count"),
    BookingStatus.CANCELLED: StatusRule(),
}
FINAL_STATUSES = tuple(status for status, rule in STATUSES.items() if rule.counter is None)
COUNTERS = tuple(rule.counter for rule in STATUSES.values() if rule.counter is not None)
SEAT_STATUSES = tuple(status for status, rule in STATUSES.items() if rule.takes_seat)
SEAT_COUNTERS = tuple(
    rule.counter for rule in STATUSES.values() if rule.counter is not None and rule.takes_seat
)


def is_active() -> Q:
    """Bookings that hold a seat or a place in line. A user has at most one per event."""
    final = Q()
    for status in FINAL_STATUSES:
        final |= Q(status=status)
    return ~final


class Reason(StrEnum):
    """Why a booking changed. Every message carries this, so a name must never change."""

    BOOKED = "booked"
    SEAT_FREED = "seat_freed"
    CAPACITY_RAISED = "capacity_raised"
    CANCELLED_BY_USER = "cancelled_by_user"
    EVENT_CANCELLED = "event_cancelled"
    REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True, eq=False)
class Transition:
    """From `source` (None: a new booking) to `target`. Its message is `booking.<name>`."""

    name: str
    source: BookingStatus | None
    target: BookingStatus

    @cached_property
    def counter_changes(self) -> tuple[tuple[str, int], ...]:
        """Which of the event's counters it changes, and by how much."""
        entered = STATUSES[self.target].counter
        left = STATUSES[self.source].counter if self.source is not None else None
        changes = ((left, -1), (entered, 1))
        return tuple((counter, change) for counter, change in changes if counter is not None)


CONFIRM = Transition(name="confirmed", source=None, target=BookingStatus.CONFIRMED)
JOIN_WAITLIST = Transition(name="waitlisted", source=None, target=BookingStatus.WAITLISTED)
PROMOTE = Transition(
    name="promoted", source=BookingStatus.WAITLISTED, target=BookingStatus.CONFIRMED
)
CANCEL_FROM = {
    status: Transition(name="cancelled", source=status, target=BookingStatus.CANCELLED)
    for status in STATUSES
    if status not in FINAL_STATUSES
}
