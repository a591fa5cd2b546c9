"""Rule 2: who gets a seat, who waits, who is refused, and in which order this is checked."""

from datetime import datetime, timedelta

import pytest

from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    BookingNotOpen,
    EventCancelled,
    FullyBooked,
)
from booking_project.bookings.models import BookingStatus
from tests.support.booking.allocations import (
    END,
    NOON,
    START,
    allocation,
    confirmed,
    event,
    waitlisted,
)

TICK = timedelta(microseconds=1)


def test_the_first_user_of_an_event_gets_a_seat() -> None:
    book = allocation(event())

    booking = book.book(user_id="ann")

    assert booking.status == BookingStatus.CONFIRMED
    assert booking.user_id == "ann"
    assert booking.event_id == 7
    assert booking.waitlist_order is None
    assert booking.created_at == booking.updated_at == NOON
    assert book.created == [booking]
    assert (book.event.confirmed_count, book.event.waitlisted_count) == (1, 0)


def test_users_after_the_last_seat_wait() -> None:
    book = allocation(event(max_seats=1))
    book.book(user_id="ann")

    booking = book.book(user_id="ben")

    assert booking.status == BookingStatus.WAITLISTED
    assert booking.waitlist_order == 1
    assert (book.event.confirmed_count, book.event.waitlisted_count) == (1, 1)


def test_users_after_the_last_place_in_line_are_refused() -> None:
    book = allocation(event(max_seats=1, waitlist_limit=1))
    book.book(user_id="ann")
    book.book(user_id="ben")

    with pytest.raises(FullyBooked):
        book.book(user_id="cat")

    assert len(book.created) == 2
    assert (book.event.confirmed_count, book.event.waitlisted_count) == (1, 1)
    assert book.event.last_waitlist_order == 1


def test_an_event_without_a_waitlist_refuses_after_the_last_seat() -> None:
    book = allocation(event(max_seats=1, waitlist_limit=0))
    book.book(user_id="ann")

    with pytest.raises(FullyBooked):
        book.book(user_id="ben")


@pytest.mark.parametrize("now", [START, START + TICK, END - TICK, END])
def test_both_ends_of_the_window_are_inside(now: datetime) -> None:
    book = allocation(event(), now=now)

    assert book.book(user_id="ann").status == BookingStatus.CONFIRMED


@pytest.mark.parametrize("now", [START - TICK, END + TICK])
def test_outside_the_window_nobody_books(now: datetime) -> None:
    book = allocation(event(), now=now)

    with pytest.raises(BookingNotOpen):
        book.book(user_id="ann")

    assert book.created == []


def test_a_cancelled_event_is_not_booked() -> None:
    book = allocation(event(cancelled_at=NOON))

    with pytest.raises(EventCancelled):
        book.book(user_id="ann")


def test_a_user_with_a_seat_is_refused_a_second() -> None:
    of = event()
    book = allocation(of, [confirmed(of, 1, "ann")])

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ann")


def test_a_user_who_waits_is_refused_a_second_place() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ben")


def test_the_same_user_twice_in_one_group_gets_one_booking() -> None:
    book = allocation(event())
    book.book(user_id="ann")

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ann")

    assert len(book.created) == 1
    assert book.event.confirmed_count == 1


def test_cancelled_is_checked_before_closed() -> None:
    book = allocation(event(cancelled_at=NOON), now=END + TICK)

    with pytest.raises(EventCancelled):
        book.book(user_id="ann")


def test_closed_is_checked_before_already_booked() -> None:
    of = event()
    book = allocation(of, [confirmed(of, 1, "ann")], now=END + TICK)

    with pytest.raises(BookingNotOpen):
        book.book(user_id="ann")


def test_already_booked_is_checked_before_fully_booked() -> None:
    of = event(max_seats=1, waitlist_limit=0)
    book = allocation(of, [confirmed(of, 1, "ann")])

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ann")


def test_a_newcomer_does_not_overtake_the_line_even_if_a_seat_is_free() -> None:
    """Rule 4. No path leaves seats free while users wait; if one did, newcomers must wait too."""
    of = event(max_seats=2)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    booking = book.book(user_id="cat")

    assert booking.status == BookingStatus.WAITLISTED
    assert booking.waitlist_order == 2
