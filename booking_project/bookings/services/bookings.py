"""Booking and cancelling.

Commands that arrive together share a transaction: `admission` gathers them and calls back here.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.db import transaction

from booking_project.bookings.admission import Admission, Decision
from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.commands import CancelBooking, Command, CreateBooking
from booking_project.bookings.domain.errors import AlreadyCancelled, EventNotFound
from booking_project.bookings.domain.transitions import FINAL_STATUSES
from booking_project.bookings.messages import booking_messages
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.representation import BOOKING_CODEC
from booking_project.bookings.selectors import refusals_without_lock
from booking_project.bookings.storage.loaders import booking_load, result_load
from booking_project.bookings.storage.locks import lock_event, lock_free_events
from booking_project.bookings.storage.sql import (
    CounterUpdate,
    clock_and_active_users,
    insert_bookings_and_update_counters,
    update_counters,
    update_statuses,
    waitlist_heads,
)
from shared.errors import DomainError
from shared.idempotency.requests import IdempotentRequest, Result
from shared.idempotency.store import IdempotencyStore
from shared.outbox.services import outbox_add


def booking_create(
    *, event_id: int, user_id: str, request: IdempotentRequest | None = None
) -> Result[Booking]:
    """Book a seat or a place in line, holding the event's row.

    If `request` was carried out before, returns its result, without a lock if that is known. Raises
    the refusals of rule 2 in its order, `IdempotencyKeyReused` and `TryAgainLater`.
    """
    known = None if request is None else result_load(request=request)
    if known is not None:
        return known
    return _admission().submit(CreateBooking(event_id=event_id, user_id=user_id, request=request))


def booking_cancel(*, booking_id: int, user_id: str | None = None) -> Booking:
    """Cancel a booking, holding its event's row. If it held a seat, the first in line gets it.

    `user_id` restricts this to that user's bookings. Raises `BookingNotFound`, `AlreadyCancelled`
    and `TryAgainLater`. The owner and a final status never change, so they are checked without the
    lock.
    """
    booking = booking_load(booking_id=booking_id, user_id=user_id)
    if booking.status in FINAL_STATUSES:
        raise AlreadyCancelled
    command = CancelBooking(event_id=booking.event_id, booking_id=booking_id)
    return _admission().submit(command).value


@functools.cache
def _admission() -> Admission:
    return Admission(
        decide_without_lock=decide_without_lock,
        decide_free=decide_free,
        decide_event=decide_event,
        max_batch=settings.ADMISSION_MAX_GROUP,
        has_common_queue=settings.ADMISSION_GROUPING == "all",
    )


def decide_without_lock(commands: Sequence[Command]) -> list[Decision]:
    """Refuse bookings where one read is enough. Those with an idempotency key are left out: the
    reason to refuse one may be its own earlier attempt."""
    plain = [
        command
        for command in commands
        if isinstance(command, CreateBooking) and command.request is None
    ]
    return [Decision(command, refusal) for command, refusal in refusals_without_lock(plain)]


@transaction.atomic
def decide_event(event_id: int, commands: Sequence[Command]) -> list[Decision]:
    """Decide on commands for one event, in their order, waiting for its row.

    Raises `OperationalError` if the row can't be locked within the lock timeout.
    """
    event = lock_event(event_id=event_id)
    if event is None:
        return [Decision(command, EventNotFound()) for command in commands]
    return _decide({event_id: event}, commands)


@transaction.atomic
def decide_free(commands: Sequence[Command]) -> list[Decision]:
    """Decide on commands for all events whose row is free. Never waits for a row."""
    events = lock_free_events(event_ids={command.event_id for command in commands})
    return _decide(events, [command for command in commands if command.event_id in events])


def _decide(events: Mapping[int, Event], commands: Sequence[Command]) -> list[Decision]:
    if not commands:
        return []
    store = IdempotencyStore(
        [
            command.request
            for command in commands
            if isinstance(command, CreateBooking) and command.request is not None
        ],
        BOOKING_CODEC,
    )
    allocations = _load_allocations(events, commands)
    decisions = [
        Decision(command, _decide_one(allocations[command.event_id], command, store))
        for command in commands
    ]
    _save_allocations(allocations.values())
    store.save()
    return decisions


def _decide_one(
    allocation: SeatAllocation, command: Command, store: IdempotencyStore[Booking]
) -> Result[Booking] | DomainError:
    try:
        match command:
            case CreateBooking(user_id=user_id, request=request):
                return store.run(request, functools.partial(allocation.book, user_id=user_id))
            case CancelBooking(booking_id=booking_id):
                return Result(allocation.cancel(booking_id=booking_id))
    except DomainError as refusal:
        return refusal


def _load_allocations(
    events: Mapping[int, Event], commands: Sequence[Command]
) -> dict[int, SeatAllocation]:
    """Read what the decisions are based on, after taking the lock."""
    now, active_users = clock_and_active_users(
        [command for command in commands if isinstance(command, CreateBooking)]
    )
    to_cancel = [command.booking_id for command in commands if isinstance(command, CancelBooking)]
    bookings: dict[int, dict[int, Booking]] = defaultdict(dict)
    waitlists: dict[int, list[Booking]] = {}
    if to_cancel:
        for booking in Booking.objects.filter(event_id__in=events, pk__in=to_cancel):
            bookings[booking.event_id][booking.pk] = booking
        for event_id, found in bookings.items():
            if events[event_id].waitlisted_count:
                waitlists[event_id] = waitlist_heads(event_id=event_id, count=len(found))
    return {
        event_id: SeatAllocation(
            event,
            now=now,
            active_users=active_users[event_id],
            bookings=bookings[event_id],
            waitlist=waitlists.get(event_id, ()),
        )
        for event_id, event in events.items()
    }


def _save_allocations(allocations: Collection[SeatAllocation]) -> None:
    """Updates come before inserts: a user may have cancelled and booked again in the same batch.

    The messages are stored under the events' locks, in the order in which bookings changed.
    """
    created = [booking for each in allocations for booking in each.created]
    counters = [
        CounterUpdate(
            event_id=each.event.pk,
            changes=each.count_changes,
            last_waitlist_order=each.event.last_waitlist_order,
            honoured_seats=each.event.honoured_seats,
            honoured_waitlist=each.event.honoured_waitlist,
        )
        for each in allocations
        if each.changes
    ]
    update_statuses([booking for each in allocations for booking in each.updated])
    if created:
        insert_bookings_and_update_counters(created, counters)
    elif counters:
        update_counters(counters)
    outbox_add(
        [message for each in allocations for message in booking_messages(each.event, each.changes)]
    )
