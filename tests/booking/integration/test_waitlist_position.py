"""`waitlist_position`: where in line a booking is now, in the response for that booking."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from booking_project.bookings.domain.errors import BookingNotFound
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import event_sync
from booking_project.bookings.storage.loaders import booking_load_in_line, read_in_line
from booking_project.bookings.storage.sql import bookings_in_line
from tests.support.booking.commands import decided, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import empty_tables, rows_read
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


def shown(booking: Booking) -> dict[str, Any]:
    response = Client().get(f"/api/v1/bookings/{booking.pk}")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def positions(bookings: list[Booking]) -> list[int | None]:
    return [shown(booking).get("waitlist_position") for booking in bookings]


def test_it_is_shown_beside_the_waitlist_order_and_nowhere_else() -> None:
    seat, waiting = booked(EventFactory(max_seats=1), ["ann", "ben"])

    assert list(shown(waiting)) == [
        "id",
        "event_id",
        "user_id",
        "status",
        "waitlist_order",
        "waitlist_position",
        "created_at",
    ]
    assert shown(waiting)["waitlist_position"] == 1
    assert "waitlist_position" not in shown(seat)


def test_it_is_in_no_list_and_in_no_answer_to_a_write(browser: Client) -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann"])
    answer = browser.post(
        f"/api/v1/events/{event.pk}/bookings",
        data={"user_id": "ben"},
        content_type="application/json",
    ).json()
    lists = [
        browser.get(f"/api/v1/events/{event.pk}/bookings").json(),
        browser.get("/api/v1/bookings?user_id=ben").json(),
    ]

    assert answer["waitlist_order"] == 1
    assert "waitlist_position" not in answer
    assert lists[0][1] == lists[1][0] == answer


def test_it_counts_only_earlier_bookings_of_the_same_event() -> None:
    others = EventFactory(max_seats=1)
    booked(others, users(5))
    _, *waiting = booked(EventFactory(max_seats=1), users(5))

    assert positions(waiting) == [1, 2, 3, 4]


def test_it_goes_down_while_the_order_stays_if_an_earlier_user_leaves() -> None:
    seat, *waiting = booked(EventFactory(max_seats=1), users(5))

    booking_cancel(booking_id=waiting[1].pk)
    assert positions(waiting) == [1, None, 2, 3]

    booking_cancel(booking_id=seat.pk)
    assert positions(waiting) == [None, None, 1, 2]
    assert [shown(booking)["waitlist_order"] for booking in waiting[2:]] == [3, 4]


def test_it_goes_down_by_as_many_as_are_promoted_when_capacity_is_raised() -> None:
    event = EventFactory(max_seats=1)
    _, *waiting = booked(event, users(5))

    event_sync(announced(event, max_seats=3))

    assert positions(waiting) == [None, None, 1, 2]


def test_it_is_gone_with_the_event() -> None:
    event = EventFactory(max_seats=1)
    _, waiting = booked(event, ["ann", "ben"])

    event_sync(announced(event, cancelled_at=event.booking_start_at))
    while do_next_batch() is not None:
        pass

    assert shown(waiting)["status"] == "cancelled"
    assert positions([waiting]) == [None]


def test_booking_and_position_come_from_one_statement(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _, waiting = booked(EventFactory(max_seats=1), ["ann", "ben"])

    with django_assert_num_queries(1):
        assert shown(waiting)["waitlist_position"] == 1


def test_a_cancellation_and_a_list_count_nobody(browser: Client) -> None:
    event = EventFactory(max_seats=1)
    _, waiting = booked(event, ["ann", "ben"])

    with CaptureQueriesContext(connection) as counting:
        browser.get(f"/api/v1/bookings/{waiting.pk}")
    with CaptureQueriesContext(connection) as others:
        browser.get(f"/api/v1/events/{event.pk}/bookings")
        browser.get("/api/v1/bookings?user_id=ben")
        browser.delete(f"/api/v1/bookings/{waiting.pk}")

    assert [query for query in counting if "waitlist_position" in query["sql"]]
    assert not [query for query in others if "waitlist_position" in query["sql"]]


@on_one_server
@pytest.mark.parametrize("seats", [1, 500])
def test_earlier_bookings_are_counted_in_the_index_of_the_waitlist(seats: int) -> None:
    event = EventFactory(max_seats=seats, waitlist_limit=500)
    *_, last = booked(event, users(seats + 500))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")
    with CaptureQueriesContext(connection) as queries:
        assert shown(last)["waitlist_position"] == 500
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "booking_one_place_in_line_per_event" in plan


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")


@on_one_server
class TestALongLine:
    @pytest.fixture
    def line(self) -> list[Booking]:
        """1,200 waiting bookings, in their order."""
        empty_tables()
        _, *waiting = booked(EventFactory(max_seats=1, waitlist_limit=1200), users(1201))
        analyse()
        return waiting

    def test_says_only_that_a_place_is_beyond_the_first_thousand(self, line: list[Booking]) -> None:
        assert positions([line[998], line[999]]) == [999, 1000]
        for booking in (line[1000], line[1199]):
            assert "waitlist_position" not in shown(booking)
            assert shown(booking)["waitlist_position_above"] == 1000
        assert "waitlist_position_above" not in shown(line[0])

    def test_is_read_up_to_the_thousandth_and_once_for_all_who_ask_together(
        self, line: list[Booking]
    ) -> None:
        with CaptureQueriesContext(connection) as queries:
            bookings_in_line([(booking.pk, None) for booking in line[-100:]])

        # The line once, and at most the whole table once for those who ask.
        assert rows_read(queries[0]["sql"]) <= 1000 + 1201

    def test_is_not_read_for_the_booking_of_another_user(self, line: list[Booking]) -> None:
        last = line[-1]
        with CaptureQueriesContext(connection) as queries, pytest.raises(BookingNotFound):
            booking_load_in_line(booking_id=last.pk, user_id="stranger")
        assert rows_read(queries[0]["sql"]) == 1

        with CaptureQueriesContext(connection) as queries:
            booking_load_in_line(booking_id=last.pk, user_id=last.user_id)
        assert rows_read(queries[0]["sql"]) == 1000 + 1

    def test_each_of_a_group_sees_their_own(self, line: list[Booking]) -> None:
        mine, other = line[4], line[5]
        wanted = [(mine.pk, mine.user_id), (mine.pk, "stranger"), (other.pk, None)]

        found = read_in_line(wanted)

        assert {key: booking.waitlist_position for key, booking in found.items()} == {
            (mine.pk, mine.user_id): 5,
            (other.pk, None): 6,
        }


@pytest.mark.django_db(transaction=True)
def test_a_promotion_is_seen_whole_or_not_at_all() -> None:
    event = EventFactory(max_seats=1)
    seat, *waiting = booked(event, users(4))

    with transaction.atomic():
        decided(event.pk, [to_cancel(event.pk, seat.pk)])
        before = positions_elsewhere(waiting)
    after = positions_elsewhere(waiting)

    assert before == [1, 2, 3]
    assert after == [None, 1, 2]


def positions_elsewhere(bookings: list[Booking]) -> list[int | None]:
    """What another connection sees."""
    found: list[list[int | None]] = []

    def read() -> None:
        try:
            found.append(positions(bookings))
        finally:
            connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.django_db(transaction=True)
def test_while_others_cancel_it_only_goes_down_and_ends_with_the_seat() -> None:
    event = EventFactory(max_seats=20, waitlist_limit=20)
    bookings = booked(event, users(40))
    seats, mine = bookings[:20], bookings[-1]
    over = threading.Event()

    def cancel_all_before() -> list[tuple[str, int | None]]:
        try:
            for booking in (*seats[:10], *bookings[20:25], *seats[10:]):
                booking_cancel(booking_id=booking.pk)
        finally:
            over.set()
        return []

    def read_mine() -> list[tuple[str, int | None]]:
        found = []
        while not over.is_set():
            booking = booking_load_in_line(booking_id=mine.pk)
            found.append((str(booking.status), booking.waitlist_position))
        return found

    _, *readings = at_once([cancel_all_before, read_mine, read_mine])

    for reading in readings:
        assert not isinstance(reading, Exception), reading
        assert all(
            (position is not None) == (status == "waitlisted") for status, position in reading
        )
        waited = [position for _, position in reading if position is not None]
        assert waited == sorted(waited, reverse=True)
        assert all(1 <= position <= 20 for position in waited)
        statuses = [status for status, _ in reading]
        assert statuses == sorted(statuses, reverse=True), "waitlisted, then confirmed"
    mine.refresh_from_db()
    assert mine.status == BookingStatus.CONFIRMED
    assert Event.objects.get(pk=event.pk).waitlisted_count == 0
