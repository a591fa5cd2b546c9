"""Copies of events follow their originals, whatever the order of the messages."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.errors import (
    BookingNotOpen,
    EventCancelled,
    FullyBooked,
)
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import EventState, event_sync
from booking_project.bookings.storage.loaders import event_load
from tests.support.booking.commands import create
from tests.support.booking.factories import (
    EventFactory,
    EventStateFactory,
    announced,
    booked,
    now,
    users,
)
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


def copy_of(event_id: int) -> EventState:
    event = Event.objects.get(pk=event_id)
    return EventState(**{name: getattr(event, name) for name in EventState.__dataclass_fields__})


def test_a_new_event_is_copied_with_its_id() -> None:
    state = EventStateFactory(id=42)

    assert event_sync(state) is True

    assert copy_of(42) == state
    event = Event.objects.get(pk=42)
    assert (event.confirmed_count, event.waitlisted_count, event.last_waitlist_order) == (0, 0, 0)


def test_the_same_message_twice_changes_nothing() -> None:
    state = EventStateFactory()
    event_sync(state)
    booked(Event.objects.get(pk=state.id), ["ann"])

    assert event_sync(state) is False

    assert copy_of(state.id) == state
    assert unsound(state.id) == []


def test_an_older_message_is_ignored() -> None:
    event_sync(EventStateFactory(version=3, name="third", max_seats=3))

    assert event_sync(EventStateFactory(version=2, name="second", max_seats=2)) is False

    event = Event.objects.get()
    assert (event.version, event.name, event.max_seats) == (3, "third", 3)


def test_every_field_of_a_newer_message_is_copied() -> None:
    old = EventStateFactory()
    event_sync(old)
    new = replace(
        old,
        name="Rust Workshop Chiang Mai",
        max_seats=10,
        waitlist_limit=0,
        price=Decimal("99.95"),
        booking_start_at=old.booking_start_at + timedelta(days=1),
        booking_end_at=old.booking_end_at + timedelta(days=1),
        updated_at=now(),
        version=2,
        cancelled_at=now(),
    )

    assert event_sync(new) is True

    assert copy_of(old.id) == new


def test_any_order_with_duplicates_ends_in_the_same_state() -> None:
    first = EventStateFactory()
    news = [replace(first, version=version, max_seats=10 * version) for version in (1, 2, 3)]

    for event_id, order in enumerate(itertools.permutations(news * 2, 6), start=1):
        if event_id > 60:
            break
        for state in order:
            event_sync(replace(state, id=event_id))
        assert copy_of(event_id) == replace(news[-1], id=event_id)


class TestARepublishedEvent:
    def test_repairs_a_copy_that_was_damaged(self) -> None:
        state = EventStateFactory()
        event_sync(state)
        Event.objects.update(name="damaged", max_seats=1, price=Decimal(0))

        assert event_sync(state) is False
        assert event_sync(state, republished=True) is True

        assert copy_of(state.id) == state

    def test_with_the_known_state_changes_nothing(self) -> None:
        state = EventStateFactory()
        event_sync(state)

        with CaptureQueriesContext(connection) as queries:
            assert event_sync(state, republished=True) is False

        assert not [query for query in queries if query["sql"].startswith("UPDATE")]

    def test_that_is_older_is_ignored(self) -> None:
        event_sync(EventStateFactory(version=3, name="third"))

        assert event_sync(EventStateFactory(version=2, name="second"), republished=True) is False

        assert Event.objects.get().name == "third"

    def test_that_is_newer_is_copied_like_any_other(self) -> None:
        event_sync(EventStateFactory())

        assert event_sync(EventStateFactory(version=2, name="second"), republished=True) is True

        assert Event.objects.get().name == "second"

    def test_returns_the_seats_that_the_damage_hid(self) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=3)
        booked(event, ["ann", "ben", "cat"])
        state = replace(announced(event), version=1, max_seats=3)

        event_sync(state, republished=True)

        assert line(event.pk) == []
        assert unsound(event.pk) == []

    def test_cancels_an_event_whose_cancellation_was_lost(self) -> None:
        event = EventFactory()
        booked(event, ["ann"])

        event_sync(replace(announced(event), version=1, cancelled_at=now()), republished=True)

        event.refresh_from_db()
        assert event.cancellation_pending


def test_a_copy_keeps_its_counters() -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann", "ben"])

    event_sync(announced(event, name="another name"))

    event.refresh_from_db()
    assert event.name == "another name"
    assert (event.confirmed_count, event.waitlisted_count, event.last_waitlist_order) == (1, 1, 1)


class TestCapacityRaised:
    def test_promotes_in_order_as_many_as_there_are_seats(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=5)
        booked(event, ["ann", "ben", "cat", "dan", "eve"])

        event_sync(announced(event, max_seats=3))

        assert line(event.pk) == ["dan", "eve"]
        assert tally(event.pk) == Tally(confirmed=3, waitlisted=2, cancelled=0)
        assert unsound(event.pk) == []

    def test_promotes_all_and_leaves_the_rest_of_the_seats_to_newcomers(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=5)
        booked(event, ["ann", "ben", "cat"])

        event_sync(announced(event, max_seats=5))

        assert tally(event.pk) == Tally(confirmed=3, waitlisted=0, cancelled=0)
        assert create(event_id=event.pk, user_id="dan").status == BookingStatus.CONFIRMED
        assert unsound(event.pk) == []

    def test_that_stays_below_what_is_taken_promotes_nobody(self) -> None:
        event = EventFactory(max_seats=4, waitlist_limit=5)
        booked(event, users(6))
        event_sync(announced(event, max_seats=1))
        event.refresh_from_db()

        event_sync(announced(event, max_seats=3))

        assert tally(event.pk) == Tally(confirmed=4, waitlisted=2, cancelled=0)
        assert unsound(event.pk) == []

    @pytest.mark.django_db(transaction=True)
    def test_is_seen_together_with_the_promotion_or_not_at_all(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        booked(event, ["ann", "ben"])
        with CaptureQueriesContext(connection) as queries:
            event_sync(announced(event, max_seats=2))

        statements = [query["sql"].split(" ", 1)[0].upper() for query in queries]
        assert statements.count("BEGIN") == 1
        assert sum("COMMIT" in query["sql"] for query in queries) == 1
        assert queries[-1]["sql"].endswith("COMMIT")
        assert tally(event.pk) == Tally(confirmed=2, waitlisted=0, cancelled=0)


class TestCapacityLowered:
    def test_takes_nobodys_seat(self) -> None:
        event = EventFactory(max_seats=3, waitlist_limit=2)
        booked(event, users(5))

        event_sync(announced(event, max_seats=1, waitlist_limit=0))

        event.refresh_from_db()
        assert event.seats_available == 0
        assert tally(event.pk) == Tally(confirmed=3, waitlisted=2, cancelled=0)
        assert unsound(event.pk) == []

    def test_lets_nobody_book_until_it_is_below_capacity_again(self) -> None:
        event = EventFactory(max_seats=3, waitlist_limit=5)
        seated = booked(event, users(3))
        event_sync(announced(event, max_seats=2, waitlist_limit=0))

        with pytest.raises(FullyBooked):
            create(event_id=event.pk, user_id="ann")
        booking_cancel(booking_id=seated[0].pk)
        with pytest.raises(FullyBooked):
            create(event_id=event.pk, user_id="ann")
        booking_cancel(booking_id=seated[1].pk)

        assert create(event_id=event.pk, user_id="ann").status == BookingStatus.CONFIRMED
        assert unsound(event.pk) == []

    def test_promotes_nobody_until_it_is_below_capacity_again(self) -> None:
        event = EventFactory(max_seats=3, waitlist_limit=5)
        seated = booked(event, users(3))
        booked(event, ["waits"])
        event_sync(announced(event, max_seats=2))

        booking_cancel(booking_id=seated[0].pk)
        assert line(event.pk) == ["waits"]
        booking_cancel(booking_id=seated[1].pk)

        assert line(event.pk) == []
        assert tally(event.pk) == Tally(confirmed=2, waitlisted=0, cancelled=2)
        assert unsound(event.pk) == []

    def test_a_shrunk_waitlist_accepts_nobody_until_it_is_below_its_limit(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=3)
        _, *waiting = booked(event, users(4))
        event_sync(announced(event, waitlist_limit=1))

        for place in waiting[:2]:
            with pytest.raises(FullyBooked):
                create(event_id=event.pk, user_id="ann")
            booking_cancel(booking_id=place.pk)
        with pytest.raises(FullyBooked):
            create(event_id=event.pk, user_id="ann")
        booking_cancel(booking_id=waiting[2].pk)

        assert create(event_id=event.pk, user_id="ann").waitlist_order == 4
        assert unsound(event.pk) == []


def test_a_changed_window_applies_at_once() -> None:
    event = EventFactory(not_started=True)
    with pytest.raises(BookingNotOpen):
        create(event_id=event.pk, user_id="ann")

    event_sync(announced(event, booking_start_at=now() - timedelta(hours=1)))

    assert create(event_id=event.pk, user_id="ann").status == BookingStatus.CONFIRMED


def test_a_changed_price_applies_at_once() -> None:
    event = EventFactory(price=Decimal(10))

    event_sync(announced(event, price=Decimal("12.50")))

    assert event_load(event_id=event.pk).price == Decimal("12.50")


def test_a_cancelled_event_refuses_at_once_and_promotes_nobody() -> None:
    event = EventFactory(max_seats=1, waitlist_limit=5)
    seated, _ = booked(event, ["ann", "ben"])

    event_sync(announced(event, cancelled_at=now(), max_seats=10))

    with pytest.raises(EventCancelled):
        create(event_id=event.pk, user_id="cat")
    booking_cancel(booking_id=seated.pk)
    assert Booking.objects.filter(event=event, status=BookingStatus.CONFIRMED).count() == 0


@pytest.mark.django_db(transaction=True)
def test_messages_of_one_new_event_in_eight_consumers_end_with_the_newest() -> None:
    first = EventStateFactory()
    news = [replace(first, version=version, name=f"version {version}") for version in range(1, 9)]

    outcomes = at_once([_syncing(state) for state in reversed(news)])

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert copy_of(first.id) == news[-1]


@pytest.mark.django_db(transaction=True)
def test_capacity_grows_while_users_book_and_cancel() -> None:
    event = EventFactory(max_seats=2, waitlist_limit=10)
    seated = booked(event, users(6))[:2]
    calls: Sequence[Callable[[], object]] = [
        *(_syncing(replace(announced(event), version=n, max_seats=n + 1)) for n in (2, 3, 4)),
        *(lambda row=row: booking_cancel(booking_id=row.pk) for row in seated),
        *(lambda n=n: create(event_id=event.pk, user_id=f"new-{n}") for n in range(3)),
    ]

    outcomes = at_once(calls)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert tally(event.pk) == Tally(confirmed=5, waitlisted=2, cancelled=2)
    assert unsound(event.pk) == []


def _syncing(state: EventState) -> Callable[[], bool]:
    return lambda: event_sync(state)
