"""Admission: a locked row or a failing request doesn't affect other requests."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    BookingNotFound,
    BookingNotOpen,
    EventCancelled,
    EventNotFound,
    FullyBooked,
    TryAgainLater,
)
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services.bookings import booking_cancel
from shared.errors import DomainError
from tests.support.booking.commands import create
from tests.support.booking.factories import EventFactory, booked, now, users
from tests.support.booking.held_rows import (
    database_patience,
    held,
    in_background,
    in_queue_of,
    stranger,
    waiting_for_a_row,
)
from tests.support.booking.on_a_cluster import GROUPINGS
from tests.support.booking.soundness import unsound
from tests.support.concurrency import at_once
from tests.support.waiting import BRIEF_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)


def booking(event: Event, user_id: str = "ann") -> functools.partial[Booking]:
    return functools.partial(create, event_id=event.pk, user_id=user_id)


class TestARefusalThatNeedsNoLock:
    @pytest.mark.parametrize(
        ("columns", "refusal"),
        [
            ({"max_seats": 1, "waitlist_limit": 0}, FullyBooked),
            ({"not_started": True}, BookingNotOpen),
            ({"over": True}, BookingNotOpen),
            ({"cancelled_at": now()}, EventCancelled),
        ],
    )
    def test_is_given_while_the_row_is_locked(
        self, columns: dict[str, object], refusal: type[DomainError]
    ) -> None:
        event = EventFactory(**columns)
        if refusal is FullyBooked:
            booked(event, ["somebody"])

        with held(event), pytest.raises(refusal):
            create(event_id=event.pk, user_id="ann")

    def test_is_given_to_a_user_who_has_booked_already(self) -> None:
        event = EventFactory()
        booked(event, ["ann"])

        with held(event), pytest.raises(AlreadyBooked):
            create(event_id=event.pk, user_id="ann")

    def test_uses_up_no_id(self) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=0)
        closed = EventFactory(over=True)
        [first] = booked(event, ["first"])

        for call in (booking(event, "first"), booking(closed), booking(Event(pk=999))):
            with pytest.raises(DomainError):
                call()
        second = create(event_id=event.pk, user_id="second")

        assert second.pk == first.pk + 1

    def test_uses_up_no_id_when_it_is_decided_under_the_lock(self) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=0)

        at_once([booking(event, user) for user in users(12)])
        other = create(event_id=EventFactory().pk, user_id="ann")

        numbers = list(Booking.objects.values_list("pk", flat=True).order_by("pk"))
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert other.pk == numbers[-1]


@pytest.mark.parametrize("grouping", GROUPINGS)
class TestARowThatSomebodyHolds:
    @pytest.fixture(autouse=True)
    def _grouping(self, settings, grouping: str) -> None:
        settings.ADMISSION_GROUPING = grouping

    def test_costs_its_users_a_try_again_after_the_lock_timeout(self) -> None:
        event = EventFactory()

        with database_patience(lock_seconds=BRIEF_SECONDS), held(event):
            outcomes = at_once([booking(event, user) for user in users(3)])

        assert [type(outcome) for outcome in outcomes] == [TryAgainLater] * 3
        assert Booking.objects.count() == 0

    def test_delays_no_other_event(self) -> None:
        event, *others = EventFactory.create_batch(4)

        with held(event) as let_go, in_background(booking(event)) as late:
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            outcomes = at_once([booking(other) for other in others])
            assert late == [], "still waits"
            let_go()

        assert all(isinstance(outcome, Booking) for outcome in outcomes)
        assert [type(outcome) for outcome in late] == [Booking]

    def test_is_booked_as_soon_as_it_is_released(self) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=1)

        with (
            held(event) as let_go,
            in_background(lambda: at_once([booking(event, user) for user in users(5)])) as late,
        ):
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            let_go()

        [outcomes] = late
        assert isinstance(outcomes, list)
        assert sum(isinstance(outcome, Booking) for outcome in outcomes) == 3
        assert unsound(event.pk) == []

    def test_can_be_booked_after_it_was_refused(self) -> None:
        event = EventFactory()
        with (
            database_patience(lock_seconds=BRIEF_SECONDS),
            held(event),
            pytest.raises(TryAgainLater),
        ):
            create(event_id=event.pk, user_id="ann")

        assert create(event_id=event.pk, user_id="ann").status == BookingStatus.CONFIRMED

    def test_leaves_other_events_their_connections_however_many_cancel(self) -> None:
        """A request that waits for another one's row must not hold a connection."""
        event, other = EventFactory.create_batch(2)
        seated = booked(event, users(12))
        connection.close()  # also this thread's

        with held(event) as let_go, ThreadPoolExecutor(len(seated)) as threads:
            for turn, seat in enumerate(seated, start=1):  # so that each looks it up by itself
                cancel = functools.partial(booking_cancel, booking_id=seat.pk)
                threads.submit(at_once, [cancel])
                until(lambda turn=turn: in_queue_of(event) == turn, f"{turn} who wait")
            [outcome] = at_once([booking(other)])
            assert in_queue_of(event) == len(seated), "all still wait"
            let_go()

        assert isinstance(outcome, Booking)
        assert Booking.objects.filter(status=BookingStatus.CANCELLED).count() == len(seated)


class TestOneAtFault:
    """Requests that no view lets through stand for an unforeseen fault."""

    @pytest.mark.parametrize(
        "bad",
        ["x" * 256, "nul\x00", "half a pair \ud800"],
        ids=["too long", "NUL", "surrogate"],
    )
    @pytest.mark.parametrize("grouping", GROUPINGS)
    def test_fails_alone(self, settings, grouping: str, bad: str) -> None:
        settings.ADMISSION_GROUPING = grouping
        event = EventFactory(max_seats=20)
        good = users(6)

        # Those who come while the first waits for the row gather behind it, the bad one among them.
        with (
            held(event) as let_go,
            in_background(booking(event, "first")) as first,
        ):
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            with in_background(
                lambda: at_once([booking(event, user) for user in [*good, bad]])
            ) as all_:
                until(lambda: in_queue_of(event) == 1 + len(good) + 1, "all in its queue")
                let_go()

        [[*outcomes, fault]] = all_
        assert isinstance(first[0], Booking)
        assert [getattr(outcome, "user_id", outcome) for outcome in outcomes] == good
        assert isinstance(fault, Exception)
        assert not isinstance(fault, DomainError)
        assert unsound(event.pk) == []


class TestALostConnection:
    def lose_it(self) -> None:
        """The server ends the connection that this thread holds."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (process,) = cursor.fetchone()
        with stranger() as other:
            other.execute("SELECT pg_terminate_backend(%s::int, 5000)", [process])

    @pytest.fixture(autouse=True)
    def _leave_no_broken_connection(self) -> Iterator[None]:
        yield
        connection.close()
        connection.close_pool()

    @pytest.mark.parametrize("call", ["book", "cancel", "read", "status", "list"])
    def test_is_a_try_again_and_the_next_request_works(self, browser: Client, call: str) -> None:
        event = EventFactory()
        [seat] = booked(event, ["somebody"])
        body = {"data": {"user_id": "ann"}, "content_type": "application/json"}
        calls: dict[str, Callable[[], HttpResponse]] = {
            "book": lambda: browser.post(f"/api/v1/events/{event.pk}/bookings", **body),
            "cancel": lambda: browser.delete(f"/api/v1/bookings/{seat.pk}"),
            "read": lambda: browser.get(f"/api/v1/bookings/{seat.pk}"),
            "status": lambda: browser.get(f"/api/v1/events/{event.pk}/status"),
            "list": lambda: browser.get(f"/api/v1/events/{event.pk}/bookings"),
        }
        self.lose_it()

        lost = calls[call]()
        # As a server does at the start of every request; the test client leaves it out.
        connection.close_if_unusable_or_obsolete()
        works = calls[call]()

        assert lost.status_code == 503
        assert lost["Content-Type"] == "application/problem+json"
        assert lost["Retry-After"] == "1"
        assert lost.json()["code"] == "try_again_later"
        assert works.status_code in (200, 201)

    def test_between_two_requests_is_not_noticed(self) -> None:
        event = EventFactory()
        self.lose_it()
        # As at the end of a request: the pool gets it back, and finds out before it is lent again.
        connection.close()

        assert create(event_id=event.pk, user_id="ann").status == BookingStatus.CONFIRMED

    def test_in_the_middle_of_a_transaction_leaves_nothing_half_done(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=1)
        seated, _ = booked(event, ["ann", "ben"])
        lost = False

        def lose_at_first_write(execute, sql, params, many, context):
            nonlocal lost
            result = execute(sql, params, many, context)
            if not lost and sql.lstrip().startswith("UPDATE"):
                lost = True
                with stranger() as other:
                    process = connection.connection.info.backend_pid
                    other.execute("SELECT pg_terminate_backend(%s::int, 5000)", [process])
            return result

        with connection.execute_wrapper(lose_at_first_write), pytest.raises(TryAgainLater):
            booking_cancel(booking_id=seated.pk)

        connection.close_if_unusable_or_obsolete()
        assert lost
        assert Booking.objects.get(user_id="ann").status == BookingStatus.CONFIRMED
        assert Booking.objects.get(user_id="ben").status == BookingStatus.WAITLISTED
        assert unsound(event.pk) == []


def test_an_unknown_booking_cannot_be_cancelled() -> None:
    with pytest.raises(BookingNotFound):
        booking_cancel(booking_id=12345)


def test_an_event_that_vanished_before_its_turn_is_not_found() -> None:
    event = EventFactory()
    with stranger() as other:
        other.execute("DELETE FROM bookings_event WHERE id = %s", [event.pk])
        with in_background(booking(event)) as late:
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            other.commit()

    assert [type(outcome) for outcome in late] == [EventNotFound]


def test_a_group_is_no_larger_than_it_may_be(settings) -> None:
    settings.ADMISSION_MAX_GROUP = 2
    event = EventFactory(max_seats=5, waitlist_limit=2)

    outcomes = at_once([booking(event, user) for user in users(10)])

    assert sum(isinstance(outcome, Booking) for outcome in outcomes) == 7
    assert unsound(event.pk) == []


def test_cancelling_again_gets_the_same_refusal() -> None:
    [seat] = booked(EventFactory(), ["ann"])
    booking_cancel(booking_id=seat.pk)

    for _ in range(3):
        with pytest.raises(AlreadyCancelled):
            booking_cancel(booking_id=seat.pk)


def test_requests_that_gather_share_a_transaction() -> None:
    """This makes a sale fast: otherwise each of these would need its own commit."""
    event = EventFactory(max_seats=50)

    with (
        held(event) as let_go,
        in_background(lambda: at_once([booking(event, user) for user in users(30)])),
    ):
        until(lambda: in_queue_of(event) == 30, "all in its queue")
        let_go()

    moments = set(Booking.objects.values_list("created_at", flat=True))
    assert Booking.objects.count() == 30
    assert len(moments) <= 3
