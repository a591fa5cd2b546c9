"""Rule 8: a capacity that is raised over a long line promotes in batches, and nobody overtakes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.errors import EventCancelled, FullyBooked
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services import batches, events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import event_sync
from booking_project.bookings.storage import locks
from tests.support.booking.commands import create, decided, to_book, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked, now, users
from tests.support.booking.outbox import forget_what_was_told, told
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

BATCH = 3


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PROMOTION_BATCH", BATCH)


def with_a_line(*, waiting: int, places: int = 20) -> Event:
    """One seat, taken by user-001; user-002 is first in line."""
    event: Event = EventFactory(max_seats=1, waitlist_limit=places)
    booked(event, users(1 + waiting))
    return event


def raised(event: Event, *, max_seats: int = 20) -> None:
    event_sync(announced(event, max_seats=max_seats))
    event.refresh_from_db()


def finish() -> int:
    """How many batches there were."""
    done = 0
    while do_next_batch() is not None:
        done += 1
    return done


def test_the_first_batch_comes_with_the_change_and_the_others_follow() -> None:
    event = with_a_line(waiting=8)

    raised(event)
    left = [len(line(event.pk))]
    while do_next_batch() is not None:
        left.append(len(line(event.pk)))
        assert unsound(event.pk) == []

    assert left == [5, 2, 0]
    assert tally(event.pk) == Tally(confirmed=9, waitlisted=0, cancelled=0)
    assert do_next_batch() is None


@pytest.mark.parametrize("waiting", [0, 1, BATCH, BATCH + 1, 2 * BATCH])
@pytest.mark.parametrize("seats", [1, 2, 1 + BATCH, 2 + BATCH, 20])
def test_it_ends_with_every_seat_taken(waiting: int, seats: int) -> None:
    event = with_a_line(waiting=waiting)

    raised(event, max_seats=seats)
    finish()

    seated = min(seats, 1 + waiting)
    assert tally(event.pk) == Tally(confirmed=seated, waitlisted=1 + waiting - seated, cancelled=0)
    assert unsound(event.pk) == []
    assert Event.objects.get(pk=event.pk).promotion_cause == ""


def test_everyone_is_told_once_in_order_and_that_more_seats_are_the_cause() -> None:
    event = with_a_line(waiting=8)
    forget_what_was_told()

    raised(event)
    finish()

    assert told() == [("booking.promoted", user, "capacity_raised") for user in users(9)[1:]]


def test_other_changes_of_the_event_keep_the_cause_and_continue() -> None:
    event = with_a_line(waiting=8)
    forget_what_was_told()
    raised(event)

    event_sync(announced(event, name="another name"))
    finish()

    assert told() == [("booking.promoted", user, "capacity_raised") for user in users(9)[1:]]


class TestNobodyOvertakes:
    """While batches are pending, seats are idle, and all of them belong to the waitlist."""

    def test_a_newcomer_waits(self) -> None:
        event = with_a_line(waiting=8)
        raised(event)

        assert create(event_id=event.pk, user_id="late").status == BookingStatus.WAITLISTED

        assert line(event.pk)[-1] == "late"
        finish()
        assert unsound(event.pk) == []

    def test_a_newcomer_is_refused_where_the_line_has_no_place(self) -> None:
        event = with_a_line(waiting=5, places=5)
        event_sync(announced(event, max_seats=20, waitlist_limit=2))

        with pytest.raises(FullyBooked):
            create(event_id=event.pk, user_id="late")

    def test_a_cancellation_promotes_only_the_head_of_the_line(self) -> None:
        event = with_a_line(waiting=8)
        raised(event)
        seated = Booking.objects.get(event=event, user_id="user-001")

        booking_cancel(booking_id=seated.pk)

        assert line(event.pk) == users(9)[5:]
        finish()
        assert unsound(event.pk) == []

    def test_a_user_who_leaves_the_line_promotes_nobody(self) -> None:
        event = with_a_line(waiting=8)
        raised(event)
        waiting = Booking.objects.get(event=event, user_id="user-007")

        booking_cancel(booking_id=waiting.pk)

        assert line(event.pk) == ["user-005", "user-006", "user-008", "user-009"]

    def test_a_newcomer_in_a_group_with_cancellations_goes_behind_the_whole_line(self) -> None:
        """A group knows no more of the line than it has cancellations."""
        event = with_a_line(waiting=8)
        raised(event)
        seated = Booking.objects.filter(event=event, status=BookingStatus.CONFIRMED)

        outcomes = decided(
            event.pk,
            [
                to_book(event.pk, "late"),
                *(to_cancel(event.pk, booking.pk) for booking in seated.order_by("pk")),
            ],
        )

        assert outcomes[0].status == BookingStatus.WAITLISTED  # type: ignore[union-attr]
        assert line(event.pk) == ["user-009", "late"]
        assert unsound(event.pk) == []

    @pytest.mark.parametrize("max_seats", [15, 30])
    def test_promotions_continue_in_order_after_another_change_of_capacity(
        self, max_seats: int
    ) -> None:
        event = with_a_line(waiting=12)
        raised(event)

        raised(event, max_seats=max_seats)

        assert line(event.pk) == users(13)[7:]
        finish()
        assert line(event.pk) == []
        assert unsound(event.pk) == []

    def test_capacity_lowered_again_promotes_no_more_than_there_are_seats(self) -> None:
        event = with_a_line(waiting=8)
        raised(event)

        raised(event, max_seats=2)

        assert finish() == 0
        assert tally(event.pk) == Tally(confirmed=4, waitlisted=5, cancelled=0)
        assert unsound(event.pk) == []
        assert create(event_id=event.pk, user_id="late").status == BookingStatus.WAITLISTED

    def test_an_event_that_is_cancelled_meanwhile_promotes_nobody(self) -> None:
        event = with_a_line(waiting=8)
        raised(event)
        forget_what_was_told()

        event_sync(announced(event, cancelled_at=now()))

        with pytest.raises(EventCancelled):
            create(event_id=event.pk, user_id="late")
        finish()
        assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=9)
        assert sorted(told()) == [
            ("booking.cancelled", user, "event_cancelled") for user in users(9)
        ]

    def test_an_event_that_takes_place_after_all_continues_in_batches(self) -> None:
        event = with_a_line(waiting=8)
        event_sync(announced(event, cancelled_at=now()))
        event.refresh_from_db()
        forget_what_was_told()

        event_sync(announced(event, cancelled_at=None, max_seats=1))
        event.refresh_from_db()
        raised(event)
        finish()

        assert [user for _, user, _ in told()] == users(9)[1:]
        assert unsound(event.pk) == []


def test_the_control_finds_a_newcomer_who_takes_an_idle_seat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without rule 4 in the allocation, these tests would fail."""
    event = with_a_line(waiting=8)
    raised(event)
    monkeypatch.setattr("booking_project.bookings.domain.allocation.has_free_seat", lambda _: True)

    decided(event.pk, [to_book(event.pk, "late")])

    assert unsound(event.pk) == ["a user was overtaken"]


@pytest.mark.parametrize("kinds", [("promotion", "promotion"), ("promotion", "cancellation")])
def test_events_take_turns(kinds: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CANCELLATION_BATCH", BATCH)
    first, second = with_a_line(waiting=11), with_a_line(waiting=11)
    for event, kind in zip((first, second), kinds, strict=True):
        changes = {"max_seats": 20} if kind == "promotion" else {"cancelled_at": now()}
        event_sync(announced(event, **changes))

    turns = [do_next_batch()]
    while (event_id := do_next_batch(after=turns[-1] or 0)) is not None:
        turns.append(event_id)

    assert turns[:4] == [first.pk, second.pk, first.pk, second.pk]


@pytest.mark.django_db(transaction=True)
class TestABatch:
    def test_is_one_transaction_of_a_number_of_statements_that_does_not_grow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = []
        for size in (3, 30):
            monkeypatch.setattr(events, "PROMOTION_BATCH", size)
            raised(with_a_line(waiting=70, places=100), max_seats=100)
            with CaptureQueriesContext(connection) as queries:
                do_next_batch()
            statements = [query["sql"].split(" ", 1)[0] for query in queries]
            assert statements.count("BEGIN") == 1
            assert queries[-1]["sql"].endswith("COMMIT")
            counts.append(len(statements))
            finish()

        assert counts[0] == counts[1]

    def test_that_fails_leaves_everything_for_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = with_a_line(waiting=8)
        raised(event)
        forget_what_was_told()
        with monkeypatch.context() as broken:
            broken.setattr(events, "outbox_add", _power_cut)
            with pytest.raises(RuntimeError, match="power cut"):
                do_next_batch()

        assert line(event.pk) == users(9)[4:]
        assert told() == []
        finish()
        assert [user for _, user, _ in told()] == users(9)[4:]

    def test_of_a_locked_event_leaves_the_turn_to_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locks, "BRIEF_WAIT_MS", 50)
        held, free = with_a_line(waiting=8), with_a_line(waiting=8)
        raised(held)
        raised(free)

        def two_turns() -> list[int | None]:
            try:
                return [do_next_batch(), do_next_batch(after=held.pk)]
            finally:
                connection.close()

        with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
            Event.objects.select_for_update().get(pk=held.pk)
            turns = elsewhere.submit(two_turns).result(timeout=30)

        assert turns == [held.pk, free.pk]
        assert len(line(held.pk)) == 5
        assert len(line(free.pk)) == 2

    def test_is_shared_with_other_consumers_and_nobody_is_promoted_twice(self) -> None:
        events = [with_a_line(waiting=20) for _ in range(2)]
        for event in events:
            raised(event, max_seats=30)
        forget_what_was_told()

        outcomes = at_once([finish] * 4)

        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        for event in events:
            assert tally(event.pk) == Tally(confirmed=21, waitlisted=0, cancelled=0)
            assert unsound(event.pk) == []
            assert [user for _, user, _ in told(event.pk)] == users(21)[4:]

    def test_meets_users_who_book_and_cancel(self) -> None:
        event = with_a_line(waiting=20, places=30)
        mine = list(Booking.objects.filter(event=event).order_by("pk"))
        raised(event, max_seats=15)
        calls: list[Callable[[], object]] = [
            finish,
            finish,
            *(lambda row=row: booking_cancel(booking_id=row.pk) for row in mine[::3]),
            *(lambda n=n: create(event_id=event.pk, user_id=f"late-{n}") for n in range(5)),
        ]

        outcomes = at_once(calls)
        finish()

        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        assert tally(event.pk) == Tally(confirmed=15, waitlisted=4, cancelled=7)
        assert all(user.startswith("late") for user in line(event.pk))
        assert unsound(event.pk) == []


def _power_cut(_: object, **options: object) -> None:
    raise RuntimeError("power cut")
