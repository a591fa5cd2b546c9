"""Compares the counters on each event's row with the event's bookings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet

from booking_project.bookings.domain.transitions import (
    COUNTERS,
    SEAT_COUNTERS,
    SEAT_STATUSES,
    STATUSES,
    BookingStatus,
    Reason,
)
from booking_project.bookings.models import PENDING_BATCHES, Event
from booking_project.bookings.services.events import promote_and_save
from booking_project.bookings.storage.locks import lock_event
from shared.observability.cause import cause_of
from shared.observability.request_id import request_id

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    event_id: int
    what: str
    repairable: bool = True

    def __str__(self) -> str:
        return f"event {self.event_id}: {self.what}"


def find_discrepancies() -> Iterator[Discrepancy]:
    """Checks all events. Each is read with its bookings in one statement, so a booking made
    meanwhile causes no false report."""
    for event in _with_counts(Event.objects.order_by("pk")).iterator(chunk_size=500):
        yield from _discrepancies(event)


def find_pending_batches() -> Iterator[str]:
    """What `consume_events` has yet to do, one sentence per event. This isn't a discrepancy."""
    pending = _with_counts(Event.objects.filter(PENDING_BATCHES).order_by("pk"))
    for event in pending.iterator(chunk_size=500):
        counted = _counted(event)
        if event.cancelled_at is not None:
            active = sum(counted.values())
            yield f"event {event.pk}: consume_events has yet to cancel {active} bookings"
        else:
            idle = max(0, event.max_seats - _seats(counted))
            left = min(idle, counted["waitlisted_count"])
            yield f"event {event.pk}: consume_events has yet to promote {left} bookings"


@transaction.atomic
def repair_event(*, event_id: int) -> None:
    """Recount under the event's lock and give idle seats to the waitlist, in order.

    Nobody loses a place: if more bookings are confirmed than there are seats, they are honoured
    (rule 8). Only the first batch of promotions is done here. Further promotions, and the bookings
    of a cancelled event, are left to `batches`.
    """
    event = lock_event(event_id=event_id)
    if event is None:
        return
    found = _with_counts(Event.objects.filter(pk=event_id)).get()
    for counter, count in _counted(found).items():
        setattr(event, counter, count)
    event.last_waitlist_order = max(event.last_waitlist_order, found.highest_order or 0)
    event.cancellation_pending = event.cancelled_at is not None
    event.batches_cause = cause_of(request_id=request_id.get(), step=None)
    promote_and_save(event, reason=Reason(event.promotion_cause or Reason.REPAIRED))


class _Line(TypedDict):
    highest_order: int | None
    last_promoted: int | None
    first_waiting: int | None


def _with_counts(events: QuerySet[Event]) -> "QuerySet[WithAnnotations[Event, _Line]]":
    """With `_Line` and what `_counted` reads."""
    waitlisted = Q(bookings__status=BookingStatus.WAITLISTED)
    counts = {
        _annotation(rule.counter): Count("bookings", filter=Q(bookings__status=status))
        for status, rule in STATUSES.items()
        if rule.counter is not None
    }
    return events.annotate(
        **counts,
        highest_order=Max("bookings__waitlist_order"),
        last_promoted=Max("bookings__waitlist_order", filter=Q(bookings__status__in=SEAT_STATUSES)),
        first_waiting=Min("bookings__waitlist_order", filter=waitlisted),
    )


def _counted(event: Event) -> dict[str, int]:
    """The bookings that each counter should count."""
    return {counter: getattr(event, _annotation(counter)) for counter in COUNTERS}


def _annotation(counter: str) -> str:
    return f"true_{counter}"


def _seats(counted: Mapping[str, int]) -> int:
    return sum(counted[counter] for counter in SEAT_COUNTERS)


def _discrepancies(event: "WithAnnotations[Event, _Line]") -> Iterator[Discrepancy]:
    def differs(what: str, *, repairable: bool = True) -> Discrepancy:
        return Discrepancy(event_id=event.pk, what=what, repairable=repairable)

    counted = _counted(event)
    taken, waitlisted = _seats(counted), counted["waitlisted_count"]
    for status, rule in STATUSES.items():
        if rule.counter is not None and getattr(event, rule.counter) != counted[rule.counter]:
            has = counted[rule.counter]
            yield differs(f"counts {getattr(event, rule.counter)} {status}, has {has}")
    if event.last_waitlist_order < (event.highest_order or 0):
        yield differs(
            f"gave out waitlist number {event.highest_order}, "
            f"but would continue after {event.last_waitlist_order}"
        )
    if taken > event.max_seats and taken != event.honoured_seats:
        yield differs(f"has {taken} seats taken of {event.max_seats}")
    if waitlisted > event.waitlist_limit and waitlisted != event.honoured_waitlist:
        yield differs(f"has {waitlisted} waitlisted for {event.waitlist_limit} places")
    belongs_to_the_line = event.cancelled_at is None and waitlisted and not event.promotion_cause
    if belongs_to_the_line and taken < event.max_seats:
        yield differs(f"has {event.max_seats - taken} idle seats while {waitlisted} wait")
    active = sum(counted.values())
    if event.cancelled_at and active and not event.cancellation_pending:
        yield differs(f"is cancelled, but its {active} bookings are not being cancelled")
    if event.first_waiting and event.last_promoted and event.last_promoted > event.first_waiting:
        yield differs(
            f"promoted waitlist number {event.last_promoted} while {event.first_waiting} waits",
            repairable=False,
        )
