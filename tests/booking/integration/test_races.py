"""Two transactions that decide on the same data. Each race has a control: the same race without
the row lock must do the damage that the lock prevents."""

from collections.abc import Callable, Sequence

import pytest
from django.db import IntegrityError

from booking_project.bookings.domain.commands import Command
from booking_project.bookings.domain.errors import AlreadyBooked, AlreadyCancelled, FullyBooked
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services.events import event_sync
from tests.support.booking.commands import decided, to_book, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked
from tests.support.booking.locks import leave_out_the_lock
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import Rendezvous, at_once

pytestmark = pytest.mark.django_db(transaction=True)

Outcome = Booking | Exception


def race(event: Event, requests: Sequence[Command], *, may_meet: bool) -> list[Outcome]:
    """Decides each request in its own transaction, all at once."""
    return meet([admit(event, request) for request in requests], may_meet=may_meet)


def meet(calls: Sequence[Callable[[], Outcome]], *, may_meet: bool) -> list[Outcome]:
    rendezvous = Rendezvous(len(calls))
    outcomes = at_once(calls, around=rendezvous.before_writing)
    assert rendezvous.all_met == may_meet, "the race was not the one that was meant"
    return outcomes


def admit(event: Event, request: Command) -> Callable[[], Outcome]:
    return lambda: decided(event.pk, [request])[0]


def damage(event: Event, outcomes: Sequence[Outcome]) -> list[str]:
    """What went wrong: broken rules, or writes that only the database's constraints stopped."""
    stopped = [str(outcome) for outcome in outcomes if isinstance(outcome, IntegrityError)]
    cancelled = [
        outcome.pk
        for outcome in outcomes
        if isinstance(outcome, Booking) and outcome.status == BookingStatus.CANCELLED
    ]
    undone = Booking.objects.filter(pk__in=cancelled).exclude(status=BookingStatus.CANCELLED)
    return [*unsound(event.pk), *stopped, *(f"{row} was cancelled" for row in undone)]


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return sorted(
        str(outcome.status) if isinstance(outcome, Booking) else type(outcome).__name__
        for outcome in outcomes
    )


class TestTheLastSeat:
    def test_goes_to_one_of_two(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)

        outcomes = race(event, [to_book(event.pk, "ann"), to_book(event.pk, "ben")], may_meet=False)

        assert statuses(outcomes) == ["FullyBooked", "confirmed"]
        assert tally(event.pk) == Tally(confirmed=1, waitlisted=0, cancelled=0)
        assert unsound(event.pk) == []

    def test_is_sold_twice_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        leave_out_the_lock(monkeypatch)

        outcomes = race(event, [to_book(event.pk, "ann"), to_book(event.pk, "ben")], may_meet=True)

        assert not any(isinstance(outcome, FullyBooked) for outcome in outcomes)
        assert damage(event, outcomes)

    def test_is_refused_by_the_database_if_the_application_forgets_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rule 7: not even a bug can overbook."""
        event = EventFactory(max_seats=1, waitlist_limit=0)
        leave_out_the_lock(monkeypatch)

        outcomes = race(event, [to_book(event.pk, "ann"), to_book(event.pk, "ben")], may_meet=True)

        assert statuses(outcomes) == ["IntegrityError", "confirmed"]
        assert tally(event.pk) == Tally(confirmed=1, waitlisted=0, cancelled=0)


class TestTheLastPlaceInLine:
    def test_goes_to_one_of_two(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=1)
        booked(event, ["ann"])

        outcomes = race(event, [to_book(event.pk, "ben"), to_book(event.pk, "cat")], may_meet=False)

        assert statuses(outcomes) == ["FullyBooked", "waitlisted"]
        assert unsound(event.pk) == []

    def test_is_given_twice_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=1)
        booked(event, ["ann"])
        leave_out_the_lock(monkeypatch)

        outcomes = race(event, [to_book(event.pk, "ben"), to_book(event.pk, "cat")], may_meet=True)

        assert damage(event, outcomes)


class TestOneUserTwiceAtOnce:
    def test_gets_one_booking(self) -> None:
        event = EventFactory()

        outcomes = race(event, [to_book(event.pk, "ann"), to_book(event.pk, "ann")], may_meet=False)

        assert statuses(outcomes) == ["AlreadyBooked", "confirmed"]
        assert Booking.objects.count() == 1
        assert unsound(event.pk) == []

    def test_is_stopped_by_the_database_alone_without_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory()
        leave_out_the_lock(monkeypatch)

        outcomes = race(event, [to_book(event.pk, "ann"), to_book(event.pk, "ann")], may_meet=True)

        assert not any(isinstance(outcome, AlreadyBooked) for outcome in outcomes)
        [stopped] = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
        assert "booking_one_active_per_user_and_event" in str(stopped)


class TestOneBookingCancelledTwiceAtOnce:
    def test_frees_one_seat(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        seated, *_ = booked(event, ["ann", "ben", "cat"])

        outcomes = race(event, [to_cancel(event.pk, seated.pk)] * 2, may_meet=False)

        assert statuses(outcomes) == ["AlreadyCancelled", "cancelled"]
        assert tally(event.pk) == Tally(confirmed=1, waitlisted=1, cancelled=1)
        assert line(event.pk) == ["cat"]
        assert unsound(event.pk) == []

    def test_succeeds_twice_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        seated, *_ = booked(event, ["ann", "ben", "cat"])
        leave_out_the_lock(monkeypatch)

        outcomes = race(event, [to_cancel(event.pk, seated.pk)] * 2, may_meet=True)

        assert not any(isinstance(outcome, AlreadyCancelled) for outcome in outcomes)
        assert statuses(outcomes) == ["cancelled", "cancelled"] or damage(event, outcomes)


class TestTwoSeatsGivenUpAtOnce:
    def test_promote_the_first_two_in_line(self) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=3)
        one, two, *_ = booked(event, ["ann", "ben", "cat", "dan", "eve"])

        race(event, [to_cancel(event.pk, one.pk), to_cancel(event.pk, two.pk)], may_meet=False)

        assert tally(event.pk) == Tally(confirmed=2, waitlisted=1, cancelled=2)
        assert line(event.pk) == ["eve"]
        assert unsound(event.pk) == []

    def test_promote_the_same_one_twice_without_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=3)
        one, two, *_ = booked(event, ["ann", "ben", "cat", "dan", "eve"])
        leave_out_the_lock(monkeypatch)

        commands = [to_cancel(event.pk, one.pk), to_cancel(event.pk, two.pk)]
        outcomes = race(event, commands, may_meet=True)

        assert damage(event, outcomes)


class TestTheHeadOfTheLineLeavesWhileASeatIsGivenUp:
    def test_the_seat_goes_to_the_next(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=3)
        seated, head, *_ = booked(event, ["ann", "ben", "cat", "dan"])

        outcomes = race(
            event, [to_cancel(event.pk, seated.pk), to_cancel(event.pk, head.pk)], may_meet=False
        )

        assert statuses(outcomes) == ["cancelled", "cancelled"]
        confirmed = Booking.objects.get(status=BookingStatus.CONFIRMED)
        assert confirmed.user_id == "cat"
        assert line(event.pk) == ["dan"]
        assert damage(event, outcomes) == []

    def test_the_seat_is_lost_or_doubled_without_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=3)
        seated, head, *_ = booked(event, ["ann", "ben", "cat", "dan"])
        leave_out_the_lock(monkeypatch)

        outcomes = race(
            event, [to_cancel(event.pk, seated.pk), to_cancel(event.pk, head.pk)], may_meet=True
        )

        assert damage(event, outcomes)


class TestACancelWhileSomebodyBooks:
    def test_gives_the_seat_to_the_line_and_not_to_the_newcomer(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        seated, _ = booked(event, ["ann", "ben"])

        commands = [to_cancel(event.pk, seated.pk), to_book(event.pk, "cat")]
        outcomes = race(event, commands, may_meet=False)

        assert statuses(outcomes) == ["cancelled", "waitlisted"]
        assert line(event.pk) == ["cat"]
        assert unsound(event.pk) == []

    def test_leaves_the_seat_idle_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        (seated,) = booked(event, ["ann"])
        leave_out_the_lock(monkeypatch)

        commands = [to_cancel(event.pk, seated.pk), to_book(event.pk, "cat")]
        outcomes = race(event, commands, may_meet=True)

        assert damage(event, outcomes)


class TestCapacityRaisedWhileSomebodyBooks:
    def test_the_new_seat_goes_to_the_line(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        booked(event, ["ann", "ben"])

        outcomes = meet(self.rivals(event), may_meet=False)
        assert statuses(outcomes) == ["confirmed", "waitlisted"]

        assert tally(event.pk) == Tally(confirmed=2, waitlisted=1, cancelled=0)
        assert line(event.pk) == ["cat"]
        assert unsound(event.pk) == []

    def test_leaves_the_new_seat_idle_without_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=2)
        booked(event, ["ann"])
        leave_out_the_lock(monkeypatch)

        outcomes = meet(self.rivals(event), may_meet=True)

        assert damage(event, outcomes)

    @staticmethod
    def rivals(event: Event) -> list[Callable[[], Outcome]]:
        state = announced(event, max_seats=2)

        def raise_capacity() -> Outcome:
            event_sync(state)
            return Booking(status=BookingStatus.CONFIRMED)

        return [raise_capacity, admit(event, to_book(event.pk, "cat"))]
