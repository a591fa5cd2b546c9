"""Rule 9: all bookings of a cancelled event are cancelled, in batches."""

from collections.abc import Callable, Iterator

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.errors import EventCancelled
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services import batches, events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import event_sync
from shared.observability.request_id import bound
from tests.support.booking.commands import create
from tests.support.booking.factories import EventFactory, announced, booked, now, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.outbox import bodies, forget_what_was_told, told
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import at_once
from tests.support.outbox import stored

pytestmark = pytest.mark.django_db

BATCH = 3


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CANCELLATION_BATCH", BATCH)


def sold_out(*, seats: int = 5, waiting: int = 3) -> Event:
    event: Event = EventFactory(max_seats=seats, waitlist_limit=waiting)
    booked(event, users(seats + waiting))
    return event


def cancelled(event: Event) -> None:
    event_sync(announced(event, cancelled_at=now()))
    event.refresh_from_db()


def each_batch() -> Iterator[None]:
    """Each step cancels a batch; ends when there is nothing left to cancel."""
    while do_next_batch() is not None:
        yield


def finish() -> int:
    return sum(1 for _ in each_batch())


def is_pending(event: Event) -> bool:
    return Event.objects.get(pk=event.pk).cancellation_pending


def test_the_message_alone_refuses_new_bookings_and_leaves_the_rest_to_the_batches() -> None:
    event = sold_out()

    cancelled(event)

    with pytest.raises(EventCancelled):
        create(event_id=event.pk, user_id="late")
    assert tally(event.pk) == Tally(confirmed=5, waitlisted=3, cancelled=0)
    assert is_pending(event)


def test_all_bookings_are_cancelled_in_bounded_batches() -> None:
    event = sold_out()
    cancelled(event)

    left = [8]
    for _ in each_batch():
        counted = tally(event.pk)
        left.append(counted.confirmed + counted.waitlisted)
        assert unsound(event.pk) == []

    assert left == [8, 5, 2, 0]
    assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=8)
    assert not is_pending(event)


@pytest.mark.parametrize("bookings", [0, 1, BATCH, BATCH + 1])
def test_it_ends_whatever_the_number_of_bookings(bookings: int) -> None:
    event = EventFactory()
    booked(event, users(bookings))
    cancelled(event)

    finish()

    assert not is_pending(event)
    assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=bookings)
    assert do_next_batch() is None


def test_nobody_is_promoted_and_everyone_is_told_that_the_event_is_the_cause() -> None:
    event = sold_out(seats=2, waiting=2)
    forget_what_was_told()
    cancelled(event)

    finish()

    assert sorted(told()) == [("booking.cancelled", user, "event_cancelled") for user in users(4)]


def test_each_message_says_cancelled_and_not_what_it_was() -> None:
    event = sold_out(seats=1, waiting=1)
    cancelled(event)
    finish()

    for booking in Booking.objects.all():
        last = bodies(booking.pk)[-1]
        assert last["status"] == "cancelled"
        assert "waitlist_order" not in last


def test_each_message_names_the_request_that_cancelled_the_event() -> None:
    """Whichever consumer does the batch, and whatever it is called itself."""
    event = sold_out()
    forget_what_was_told()
    event_sync(announced(event, cancelled_at=now()), cause="cancels-the-event")

    with bound("of-a-consumer"):
        assert finish() > 1

    assert {each.headers["x-request-id"] for each in stored()} == {"cancels-the-event"}


def test_other_events_keep_their_bookings() -> None:
    event, other = sold_out(), sold_out()
    cancelled(event)

    finish()

    assert tally(other.pk) == Tally(confirmed=5, waitlisted=3, cancelled=0)


def test_several_cancelled_events_are_all_finished() -> None:
    events = [sold_out() for _ in range(3)]
    for event in events:
        cancelled(event)

    finish()

    assert [tally(event.pk).cancelled for event in events] == [8, 8, 8]


def test_a_user_may_still_cancel_in_between_and_nobody_moves_up() -> None:
    event = sold_out()
    cancelled(event)
    do_next_batch()
    booking = Booking.objects.filter(event=event, status=BookingStatus.CONFIRMED).latest("user_id")
    waiting = line(event.pk)

    booking_cancel(booking_id=booking.pk)

    assert line(event.pk) == waiting
    finish()
    assert bodies(booking.pk)[-1]["cause"] == "cancelled_by_user"
    assert len([body for body in bodies(booking.pk) if body["status"] == "cancelled"]) == 1
    assert unsound(event.pk) == []


def test_an_event_that_takes_place_after_all_keeps_its_remaining_bookings_and_promotes() -> None:
    event = sold_out(seats=5, waiting=3)
    cancelled(event)
    do_next_batch()
    forget_what_was_told()

    event_sync(announced(event, cancelled_at=None))

    assert not is_pending(event)
    assert do_next_batch() is None
    assert tally(event.pk) == Tally(confirmed=5, waitlisted=0, cancelled=3)
    assert told() == [
        ("booking.promoted", user, "seat_freed") for user in ("user-006", "user-007", "user-008")
    ]
    assert create(event_id=event.pk, user_id="late").status == BookingStatus.WAITLISTED
    assert unsound(event.pk) == []


def test_places_above_a_lowered_capacity_are_cancelled_like_the_others() -> None:
    event = sold_out(seats=6, waiting=2)
    event_sync(announced(event, max_seats=1, waitlist_limit=0))
    event.refresh_from_db()
    cancelled(event)

    for _ in each_batch():
        assert unsound(event.pk) == []

    assert tally(event.pk).cancelled == 8


def test_an_event_whose_first_message_is_its_cancellation_is_copied_as_cancelled() -> None:
    event = EventFactory.build(id=77)
    event_sync(announced(event, cancelled_at=now()))

    assert do_next_batch() is None
    with pytest.raises(EventCancelled):
        create(event_id=77, user_id="ann")


def test_the_database_refuses_a_pending_cancellation_of_an_event_that_takes_place() -> None:
    event = EventFactory()

    with pytest.raises(IntegrityError, match="event_pending_only_while_cancelled"):
        Event.objects.filter(pk=event.pk).update(cancellation_pending=True)


@pytest.mark.django_db(transaction=True)
class TestABatch:
    def test_is_one_transaction_of_a_number_of_statements_that_does_not_grow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = []
        for size in (3, 30):
            monkeypatch.setattr(batches, "CANCELLATION_BATCH", size)
            cancelled(sold_out(seats=40, waiting=0))
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
        event = sold_out()
        cancelled(event)
        forget_what_was_told()
        with monkeypatch.context() as broken:
            broken.setattr(events, "outbox_add", _power_cut)
            with pytest.raises(RuntimeError, match="power cut"):
                do_next_batch()

        assert tally(event.pk) == Tally(confirmed=5, waitlisted=3, cancelled=0)
        assert told() == []
        assert is_pending(event)
        finish()
        assert tally(event.pk).cancelled == 8

    def test_is_shared_with_other_consumers_and_nobody_is_notified_twice(self) -> None:
        events = [sold_out(seats=20, waiting=5) for _ in range(2)]
        for event in events:
            cancelled(event)
        forget_what_was_told()

        outcomes = at_once([finish] * 4)

        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        for event in events:
            assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=25)
            assert unsound(event.pk) == []
            assert sorted(user for _, user, _ in told(event.pk)) == users(25)
            assert not is_pending(event)

    def test_meets_users_who_cancel_and_users_who_try_to_book(self) -> None:
        event = sold_out(seats=20, waiting=5)
        mine = list(Booking.objects.filter(event=event).order_by("pk")[:6])
        forget_what_was_told()
        cancelled(event)
        calls: list[Callable[[], object]] = [
            finish,
            finish,
            *(lambda row=row: booking_cancel(booking_id=row.pk) for row in mine),
            *(lambda n=n: create(event_id=event.pk, user_id=f"late-{n}") for n in range(3)),
        ]

        outcomes = at_once(calls)

        assert [type(outcome).__name__ for outcome in outcomes[-3:]] == ["EventCancelled"] * 3
        assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=25)
        assert unsound(event.pk) == []
        assert sorted(user for _, user, _ in told(event.pk)) == users(25)


def _power_cut(_: object, **options: object) -> None:
    raise RuntimeError("power cut")


@pytest.mark.django_db(transaction=True)
@on_one_server
def test_pending_cancellations_and_active_bookings_are_found_by_their_indexes() -> None:
    """Neither grows with the events that take place, or with the bookings that are cancelled."""
    EventFactory.create_batch(2)
    cancelled(sold_out(seats=50, waiting=0))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_event, bookings_booking")
    with CaptureQueriesContext(connection) as queries:
        do_next_batch()
    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]

    def plan(part: str) -> str:
        [statement] = [sql for sql in selects if part in sql]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}")
            return "\n".join(row[0] for row in cursor.fetchall())

    assert "event_pending_batches" in plan('"promotion_cause" =')
    assert "booking_one_active_per_user_and_event" in plan('ORDER BY "bookings_booking"."user_id"')
