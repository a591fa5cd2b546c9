"""What has been decided about bookings, for those who count it. Receivers must be quick: they run
in the threads that book. What a receiver raises is logged.

`decided` comes after the commit of a batch, and after refusals that needed no transaction. Its
`counts` say how often each outcome was decided, by event.

`stopping` comes when a process that books or consumes is about to end in an orderly way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from booking_project.bookings.domain.allocation import SeatAllocation
from shared.errors import DomainError

# The name of a transition, such as "promoted", or the code of a refusal, such as "fully_booked".
Outcome = str
Counts = Mapping[int, Mapping[Outcome, int]]

decided = Signal(use_caching=True)
stopping = Signal()


class Bookings:
    """The sender."""


def send_decided(refusals: Iterable[tuple[int, DomainError]]) -> None:
    """For refusals, with their event's id, that are decided already."""
    _send(_counted((), refusals))


def send_decided_on_commit(
    allocations: Iterable[SeatAllocation], refusals: Iterable[tuple[int, DomainError]] = ()
) -> None:
    """For what the current transaction decides. If it is rolled back, nothing is sent."""
    counts = _counted(allocations, refusals)
    transaction.on_commit(partial(_send, counts))


def _counted(
    allocations: Iterable[SeatAllocation], refusals: Iterable[tuple[int, DomainError]]
) -> Counts:
    counts: dict[int, dict[Outcome, int]] = defaultdict(lambda: defaultdict(int))
    for allocation in allocations:
        for change in allocation.changes:
            counts[allocation.event.id][change.transition.name] += 1
    for event_id, refusal in refusals:
        counts[event_id][refusal.code] += 1
    return counts


def _send(counts: Counts) -> None:
    if counts:
        decided.send_robust(Bookings, counts=counts)
