"""The database refuses what a bug could write: rule 7, with the exception of rule 8."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services.events import event_sync
from tests.support.booking.factories import EventFactory, announced, booked

pytestmark = pytest.mark.django_db


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    # On a cluster, the constraint's name ends with the number of the shard.
    with pytest.raises(IntegrityError, match=rf'"{constraint}(_\d+)?"'), transaction.atomic():
        yield


def execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def test_more_confirmed_than_seats() -> None:
    event = EventFactory(max_seats=2)
    booked(event, ["ann", "ben"])

    with refused_by("event_seats_never_oversold"):
        execute("UPDATE bookings_event SET confirmed_count = confirmed_count + 1")


def test_fewer_seats_than_confirmed() -> None:
    event = EventFactory(max_seats=2)
    booked(event, ["ann", "ben"])

    with refused_by("event_seats_never_oversold"):
        execute("UPDATE bookings_event SET max_seats = 1")


def test_more_waitlisted_than_the_waitlist_takes() -> None:
    event = EventFactory(max_seats=1, waitlist_limit=1)
    booked(event, ["ann", "ben"])

    with refused_by("event_waitlist_never_overfull"):
        execute("UPDATE bookings_event SET waitlisted_count = waitlisted_count + 1")


@pytest.mark.parametrize("counter", ["confirmed_count", "waitlisted_count"])
def test_negative_counters(counter: str) -> None:
    EventFactory()

    with refused_by("event_counters_not_negative"):
        execute(f"UPDATE bookings_event SET {counter} = -1")


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.WAITLISTED])
def test_a_second_active_booking_of_a_user(status: str) -> None:
    event = EventFactory()
    [booking] = booked(event, ["ann"])

    with refused_by("booking_one_active_per_user_and_event"):
        insert_like(booking, status=status, waitlist_order=1)


def test_a_cancelled_booking_brought_back_beside_an_active_one() -> None:
    event = EventFactory()
    [booking] = booked(event, ["ann"])
    insert_like(booking, status=BookingStatus.CANCELLED)

    with refused_by("booking_one_active_per_user_and_event"):
        execute("UPDATE bookings_booking SET status = 'confirmed'")


def test_any_number_of_cancelled_bookings_is_fine() -> None:
    event = EventFactory()
    [booking] = booked(event, ["ann"])

    insert_like(booking, status=BookingStatus.CANCELLED)
    insert_like(booking, status=BookingStatus.CANCELLED)

    assert Booking.objects.count() == 3


def test_the_same_user_in_another_event_is_fine() -> None:
    booked(EventFactory(), ["ann"])
    booked(EventFactory(), ["ann"])

    assert Booking.objects.filter(status=BookingStatus.CONFIRMED).count() == 2


def test_two_with_the_same_number_in_line() -> None:
    event = EventFactory(max_seats=1)
    _, waiting = booked(event, ["ann", "ben"])

    with refused_by("booking_one_place_in_line_per_event"):
        insert_like(waiting, user_id="cat")


def test_the_same_number_in_line_in_another_event_is_fine() -> None:
    for _ in range(2):
        _, waiting = booked(EventFactory(max_seats=1), ["ann", "ben"])
        assert waiting.waitlist_order == 1


@pytest.mark.parametrize("order", [None, 0, -1])
def test_waiting_without_a_number_in_line(order: int | None) -> None:
    [booking] = booked(EventFactory(), ["ann"])

    with refused_by("booking_waitlisted_has_an_order"):
        insert_like(booking, user_id="ben", status=BookingStatus.WAITLISTED, waitlist_order=order)


def test_an_unknown_status() -> None:
    booked(EventFactory(), ["ann"])

    with refused_by("booking_status_known"):
        execute("UPDATE bookings_booking SET status = 'pending'")


def test_a_booking_without_a_user() -> None:
    booked(EventFactory(), ["ann"])

    with refused_by("booking_has_a_user"):
        execute("UPDATE bookings_booking SET user_id = ''")


class TestCapacityLoweredBelowWhatIsTaken:
    @pytest.fixture
    def event(self) -> Event:
        event = EventFactory(max_seats=3, waitlist_limit=2)
        booked(event, ["ann", "ben", "cat", "dan", "eve"])
        event_sync(announced(event, max_seats=1, waitlist_limit=1))
        event.refresh_from_db()
        return event

    def test_the_row_is_legal(self, event: Event) -> None:
        assert (event.max_seats, event.confirmed_count) == (1, 3)
        assert (event.waitlist_limit, event.waitlisted_count) == (1, 2)

    def test_one_more_confirmed_is_not(self, event: Event) -> None:
        with refused_by("event_seats_never_oversold"):
            execute("UPDATE bookings_event SET confirmed_count = confirmed_count + 1")

    def test_one_more_in_line_is_not(self, event: Event) -> None:
        with refused_by("event_waitlist_never_overfull"):
            execute("UPDATE bookings_event SET waitlisted_count = waitlisted_count + 1")


def insert_like(booking: Booking, **columns: Any) -> None:
    row = {
        name: getattr(booking, name)
        for name in (
            "event_id",
            "user_id",
            "status",
            "waitlist_order",
            "created_at",
            "updated_at",
        )
    }
    row |= columns
    names = ", ".join(row)
    places = ", ".join(["%s"] * len(row))
    execute(f"INSERT INTO bookings_booking ({names}) VALUES ({places})", *row.values())
