"""However the messages of an event are shuffled and repeated, and whoever books at the same time,
the copy ends like the event, and no seat is booked that doesn't exist."""

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services import batches, events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.events import EventState, event_sync
from tests.support.booking.commands import decided, to_book, to_cancel
from tests.support.booking.soundness import unsound

NOW = datetime.now(UTC)
USERS = [f"user-{number}" for number in range(6)]

_event_ids = itertools.count(1_000_000)


@dataclass(frozen=True)
class Deliver:
    version: int


@dataclass(frozen=True)
class Wish:
    user: str
    to_book: bool


@dataclass(frozen=True)
class DoABatch:
    pass


Step = Deliver | Wish | DoABatch

CHANGES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a sale", "another sale"]),
        "price": st.sampled_from([Decimal(10), Decimal("12.5")]),
        "max_seats": st.integers(1, 4),
        "waitlist_limit": st.integers(0, 3),
        "booking_end_at": st.sampled_from([*[NOW + timedelta(days=1)] * 4, NOW]),
        "cancelled_at": st.sampled_from([None, None, NOW]),
    }
)
WISHES = st.builds(Wish, st.sampled_from(USERS), st.sampled_from([True, True, False]))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Step]]:
    """The versions of an event, and steps in which each is delivered at least once."""
    versions = draw(st.lists(CHANGES, min_size=1, max_size=5))
    every = [Deliver(number) for number in range(1, len(versions) + 1)]
    again = draw(st.lists(st.sampled_from([*every, DoABatch()]), max_size=8))
    wishes = draw(st.lists(WISHES, min_size=3, max_size=20))
    return versions, draw(st.permutations([*every, *again, *wishes]))


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CANCELLATION_BATCH", 2)
    monkeypatch.setattr(events, "PROMOTION_BATCH", 1)


@pytest.mark.django_db
def test_every_delivery_ends_as_the_one_in_order_does() -> None:
    @given(history=histories())
    def search(history: tuple[list[dict[str, Any]], list[Step]]) -> None:
        changes, steps = history
        versions = _versions(next(_event_ids), changes)
        in_order = _versions(next(_event_ids), changes)
        for state in in_order:
            event_sync(state)

        for step in steps:
            _take(step, versions)
            if Event.objects.filter(pk=versions[0].id).exists():
                assert unsound(versions[0].id) == []
        while do_next_batch() is not None:
            assert unsound(versions[0].id) == []

        assert _copy(versions[0].id) == replace(_copy(in_order[0].id), id=versions[0].id)
        assert _copy(versions[0].id) == versions[-1]
        if versions[-1].cancelled_at is not None:
            assert not _active(versions[0].id)

    search()


def _take(step: Step, versions: list[EventState]) -> None:
    event_id = versions[0].id
    if isinstance(step, Deliver):
        event_sync(versions[step.version - 1])
    elif isinstance(step, DoABatch):
        do_next_batch()
    elif step.to_book:
        _book(event_id, step.user)
    else:
        mine = [row.pk for row in _active(event_id) if row.user_id == step.user]
        decided(event_id, [to_cancel(event_id, booking_id) for booking_id in mine])


def _book(event_id: int, user: str) -> None:
    """A seat that is booked exists at that moment."""
    [outcome] = decided(event_id, [to_book(event_id, user)])
    if isinstance(outcome, Booking) and outcome.status == BookingStatus.CONFIRMED:
        event = Event.objects.get(pk=event_id)
        assert event.cancelled_at is None
        assert event.confirmed_count <= event.max_seats


def _versions(event_id: int, changes: list[dict[str, Any]]) -> list[EventState]:
    return [
        EventState(
            id=event_id,
            booking_start_at=NOW - timedelta(days=1),
            created_at=NOW,
            updated_at=NOW + timedelta(seconds=version),
            version=version,
            **change,
        )
        for version, change in enumerate(changes, start=1)
    ]


def _copy(event_id: int) -> EventState:
    event = Event.objects.get(pk=event_id)
    return EventState(**{name: getattr(event, name) for name in EventState.__dataclass_fields__})


def _active(event_id: int) -> list[Booking]:
    bookings = Booking.objects.filter(event_id=event_id)
    return list(bookings.exclude(status=BookingStatus.CANCELLED))
