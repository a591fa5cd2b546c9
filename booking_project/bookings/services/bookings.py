"""Booking and cancelling.

Commands that arrive together share a transaction: `admission` gathers them and calls back here.
"""

import functools
from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.db import transaction

from booking_project.bookings.admission import Admission, Decision
from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.commands import CancelBooking, Command, CreateBooking
from booking_project.bookings.domain.errors import (
    AlreadyCancelled,
    EventNotFound,
    MustWait,
    TurnMissed,
)
from booking_project.bookings.domain.transitions import FINAL_STATUSES
from booking_project.bookings.messages import booking_messages
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.representation import BOOKING_CODEC
from booking_project.bookings.selectors import refusals_without_lock
from booking_project.bookings.services.waiting_room import has_turn, must_wait
from booking_project.bookings.signals import send_decided, send_decided_on_commit
from booking_project.bookings.storage.loaders import booking_load, result_load
from booking_project.bookings.storage.locks import (
    lock_event_and_read,
    lock_free_events_and_read,
)
from booking_project.bookings.storage.sql import (
    CounterUpdate,
    Facts,
    facts_of,
    facts_statements,
    history_add,
    save_bookings,
)
from shared.errors import DomainError
from shared.idempotency.requests import IdempotentRequest, Result
from shared.idempotency.store import IdempotencyStore
from shared.observability import tracing
from shared.observability.request_id import request_id
from shared.observability.tracing import step
from shared.outbox.services import outbox_add


def booking_create(
    *,
    event_id: int,
    user_id: str,
    request: IdempotentRequest | None = None,
    actor: str = "",
    turn: str | None = None,
    skips_line: bool = False,
) -> Result[Booking]:
    """Book a seat or a place in line, holding the event's row. `actor` is who books, if it isn't
    the user. `turn` is the user's token of the event's waiting room. With `skips_line` they need
    none.

    If `request` was carried out before, returns its result, without a lock if that is known. Raises
    the refusals of rule 2 in its order, `IdempotencyKeyReused` and `TryAgainLater`, and for events
    with a waiting room `MustWait`, `InvalidTurn` and `TurnMissed`.
    """
    try:
        may_book = skips_line or has_turn(event_id=event_id, user_id=user_id, token=turn)
    except TurnMissed:
        if request is None:
            raise
        may_book = False  # it may have been carried out in time
    known = None if request is None else result_load(request=request)
    if known is not None:
        return known
    command = CreateBooking(
        event_id=event_id, user_id=user_id, request=request, actor=actor, has_turn=may_book
    )
    try:
        return _admission().submit(command)
    except MustWait:
        raise must_wait(event_id) from None


def booking_cancel(*, booking_id: int, user_id: str | None = None, actor: str = "") -> Booking:
    """Cancel a booking, holding its event's row. If it held a seat, the first in line gets it.

    `user_id` restricts this to that user's bookings. `actor` is who cancels, if it isn't the user.
    Raises `BookingNotFound`, `AlreadyCancelled`
    and `TryAgainLater`. The owner and a final status never change, so they are checked without the
    lock.
    """
    booking = booking_load(booking_id=booking_id, user_id=user_id)
    if booking.status in FINAL_STATUSES:
        raise AlreadyCancelled
    command = CancelBooking(event_id=booking.event_id, booking_id=booking_id, actor=actor)
    return _admission().submit(command).value


@functools.cache
def _admission() -> Admission:
    kind = Admission
    if tracing.is_recording():
        from booking_project.bookings.traced_admission import TracedAdmission

        kind = TracedAdmission
    return kind(
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
    refused = list(refusals_without_lock(plain))
    send_decided((command.event_id, refusal) for command, refusal in refused)
    return [Decision(command, refusal) for command, refusal in refused]


@transaction.atomic
def decide_event(event_id: int, commands: Sequence[Command]) -> list[Decision]:
    """Decide on commands for one event, in their order, waiting for its row.

    Raises `OperationalError` if the row can't be locked within the lock timeout.
    """
    event, results = lock_event_and_read(event_id=event_id, reads=facts_statements(commands))
    if event is None:
        return [Decision(command, EventNotFound()) for command in commands]
    return _decide({event_id: event}, facts_of(results), commands)


@transaction.atomic
def decide_free(commands: Sequence[Command]) -> list[Decision]:
    """Decide on commands for all events whose row is free. Never waits for a row."""
    events, results = lock_free_events_and_read(
        event_ids={command.event_id for command in commands}, reads=facts_statements(commands)
    )
    on_free = [command for command in commands if command.event_id in events]
    return _decide(events, facts_of(results), on_free)


def _decide(
    events: Mapping[int, Event], facts: Facts, commands: Sequence[Command]
) -> list[Decision]:
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
    allocations = {
        event_id: SeatAllocation(
            event,
            now=facts.now,
            active_users=facts.active_users.get(event_id, ()),
            bookings=facts.bookings.get(event_id),
            waitlist=facts.waitlists.get(event_id, ()),
        )
        for event_id, event in events.items()
    }
    decisions = [
        Decision(command, _decide_one(allocations[command.event_id], command, store))
        for command in commands
    ]
    _save_allocations(allocations.values())
    store.save()
    send_decided_on_commit(
        allocations.values(),
        (
            (command.event_id, result)
            for command, result in decisions
            if isinstance(result, DomainError)
        ),
    )
    return decisions


def _decide_one(
    allocation: SeatAllocation, command: Command, store: IdempotencyStore[Booking]
) -> Result[Booking] | DomainError:
    token, step_token = request_id.set(command.request_id), step.set(command.step)
    try:
        match command:
            case CreateBooking(user_id=user_id, request=request, actor=actor, has_turn=may_book):
                book = functools.partial(
                    allocation.book, user_id=user_id, actor=actor, has_turn=may_book
                )
                return store.run(request, book)
            case CancelBooking(booking_id=booking_id, actor=actor):
                return Result(allocation.cancel(booking_id=booking_id, actor=actor))
    except DomainError as refusal:
        return refusal
    finally:
        request_id.reset(token)
        step.reset(step_token)


def _save_allocations(allocations: Collection[SeatAllocation]) -> None:
    """The messages are stored under the events' locks, in the order in which bookings changed."""
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
    save_bookings(
        updated=[booking for each in allocations for booking in each.updated],
        created=created,
        counters=counters,
    )
    outbox_add(
        [message for each in allocations for message in booking_messages(each.event, each.changes)],
        distribution_key=next(iter(allocations)).event.pk if len(allocations) == 1 else 0,
    )
    history_add([change for each in allocations for change in each.changes if change.is_history])
