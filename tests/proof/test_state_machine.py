"""Random sequences of steps, on PostgreSQL and on a plain model of the rules."""

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from booking_project.bookings.domain.commands import Command
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.reconciliation import find_discrepancies
from booking_project.bookings.services import batches, events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import decide_without_lock
from booking_project.bookings.services.events import EventState, event_sync
from shared.errors import DomainError
from tests.support.booking.commands import decided, to_book, to_cancel
from tests.support.outbox import forget_all, stored
from tests.support.proof.model import PlainEvent

USERS = st.sampled_from([f"user-{number}" for number in range(8)])
SEATS = st.integers(min_value=1, max_value=4)
WAITLIST = st.integers(min_value=0, max_value=3)
CANCELLATION_BATCH = 2
PROMOTION_BATCH = 1

_event_ids = itertools.count(1)


class Sale(RuleBasedStateMachine):
    @initialize(max_seats=SEATS, waitlist_limit=WAITLIST)
    def announce(self, max_seats: int, waitlist_limit: int) -> None:
        now = datetime.now(UTC)
        self.plain = PlainEvent(max_seats=max_seats, waitlist_limit=waitlist_limit)
        self.latest_booking: dict[str, int] = {}
        self.state = EventState(
            id=next(_event_ids),
            name="A sale",
            max_seats=max_seats,
            waitlist_limit=waitlist_limit,
            price=Decimal(10),
            booking_start_at=now - timedelta(hours=1),
            booking_end_at=now + timedelta(hours=1),
            created_at=now,
            updated_at=now,
            version=1,
            cancelled_at=None,
        )
        event_sync(self.state)

    @rule(
        wishes=st.lists(
            st.tuples(st.sampled_from(["book", "cancel"]), USERS), min_size=1, max_size=6
        )
    )
    def a_group_arrives(self, wishes: list[tuple[str, str]]) -> None:
        """One transaction decides as if its requests had come one by one."""
        requests: list[Command] = []
        expected: list[str] = []
        known = dict(self.latest_booking)
        rebooked: set[str] = set()
        for what, user in wishes:
            if what == "book":
                requests.append(to_book(event_id=self.state.id, user_id=user))
                expected.append(self.plain.book(user))
                rebooked.add(user)
            elif user in known and user not in rebooked:
                requests.append(to_cancel(event_id=self.state.id, booking_id=known[user]))
                expected.append(self.plain.cancel(user))
        lock_free = decide_without_lock(requests[:1])
        outcomes = decided(self.state.id, requests)
        for outcome in outcomes:
            if isinstance(outcome, Booking) and outcome.status != BookingStatus.CANCELLED:
                self.latest_booking[outcome.user_id] = outcome.pk
        for outcome, answer in zip(outcomes, expected, strict=True):
            self._same(outcome, answer)
        for _, refusal in lock_free:
            assert refusal.code == expected[0], "refused without a lock what the lock allows"

    def _same(self, outcome: Booking | DomainError, answer: str) -> None:
        if not isinstance(outcome, Booking):
            assert outcome.code == answer
        elif answer == "waitlisted" and outcome.status == BookingStatus.CONFIRMED:
            # Waitlisted, and promoted by a cancellation later in the same group.
            assert outcome.user_id in self.plain.confirmed
        elif outcome.status != answer:
            raise AssertionError(f"{outcome} should be {answer}")

    @rule(max_seats=SEATS, waitlist_limit=WAITLIST)
    def the_capacity_changes(self, max_seats: int, waitlist_limit: int) -> None:
        self.plain.max_seats, self.plain.waitlist_limit = max_seats, waitlist_limit
        self._announce(max_seats=max_seats, waitlist_limit=waitlist_limit)

    @rule(is_open=st.booleans())
    def the_window_moves(self, is_open: bool) -> None:
        now = datetime.now(UTC)
        end = now + timedelta(hours=1) if is_open else now - timedelta(minutes=1)
        self.plain.is_open = is_open
        self._announce(booking_end_at=end)

    @rule()
    def an_old_message_comes_again(self) -> None:
        assert event_sync(dataclasses.replace(self.state, max_seats=99)) is False

    @rule(really=st.integers(min_value=0, max_value=9))
    def the_event_is_cancelled(self, really: int) -> None:
        if really == 0:
            self.plain.is_cancelled = True
            self._announce(cancelled_at=datetime.now(UTC))

    @precondition(lambda self: self.plain.is_cancelled)
    @rule()
    def the_event_takes_place_after_all(self) -> None:
        self.plain.is_cancelled = False
        self._announce(cancelled_at=None)

    @rule()
    def a_batch_is_done(self) -> None:
        expected = self.plain.do_a_batch(
            cancellation_batch=CANCELLATION_BATCH, promotion_batch=PROMOTION_BATCH
        )
        assert do_next_batch() == (self.state.id if expected else None)

    def _announce(self, **changes: object) -> None:
        self.state = dataclasses.replace(self.state, version=self.state.version + 1, **changes)  # type: ignore[arg-type]
        assert event_sync(self.state) is True
        self.plain.hear(promotion_batch=PROMOTION_BATCH)

    @invariant()
    def both_tell_the_same(self) -> None:
        active = Booking.objects.filter(event_id=self.state.id).exclude(status="cancelled")
        confirmed = {booking.user_id for booking in active if booking.status == "confirmed"}
        waiting = [
            booking.user_id
            for booking in active.order_by("waitlist_order")
            if booking.status == "waitlisted"
        ]
        assert confirmed == set(self.plain.confirmed)
        assert waiting == self.plain.waiting
        event = Event.objects.get(pk=self.state.id)
        assert (event.confirmed_count, event.waitlisted_count) == (len(confirmed), len(waiting))

    @invariant()
    def the_world_knows_it(self) -> None:
        """The last message about each booking has its current state."""
        rows = Booking.objects.filter(event_id=self.state.id)
        told = {
            row.body["id"]: (row.body["user_id"], row.body["status"])
            for row in stored()
            if row.body["event_id"] == self.state.id
        }
        assert told == {row.pk: (row.user_id, row.status) for row in rows}

    def teardown(self) -> None:
        while do_next_batch() is not None:
            pass
        forget_all()
        assert list(find_discrepancies()) == []


@pytest.fixture
def no_trace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(batches, "CANCELLATION_BATCH", CANCELLATION_BATCH)
    monkeypatch.setattr(events, "PROMOTION_BATCH", PROMOTION_BATCH)
    yield
    Booking.objects.all().delete()
    Event.objects.all().delete()


@pytest.mark.django_db
@pytest.mark.usefixtures("no_trace")
def test_postgresql_and_the_plain_model_never_disagree() -> None:
    run_state_machine_as_test(Sale)
