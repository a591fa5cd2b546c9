"""What an allocation keeps to be announced: each change, with its reason."""

import pytest

from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.errors import AlreadyBooked, FullyBooked
from booking_project.bookings.domain.transitions import Reason
from tests.support.booking.allocations import NOON, allocation, confirmed, event, waitlisted

Told = list[tuple[str, str, str]]


def told(book: SeatAllocation) -> Told:
    return [(booking.user_id, transition.name, why) for booking, transition, why in book.changes]


def test_who_books_is_confirmed_or_waitlisted() -> None:
    book = allocation(event(max_seats=1))

    book.book(user_id="ann")
    book.book(user_id="ben")

    assert told(book) == [("ann", "confirmed", "booked"), ("ben", "waitlisted", "booked")]


def test_a_seat_that_is_given_up_is_told_before_who_gets_it() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)

    assert told(book) == [
        ("ann", "cancelled", "cancelled_by_user"),
        ("ben", "promoted", "seat_freed"),
    ]


def test_what_becomes_of_one_booking_in_one_group_is_told_once() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)
    book.cancel(booking_id=2)
    book.book(user_id="ann")

    assert told(book) == [
        ("ann", "cancelled", "cancelled_by_user"),
        ("ben", "cancelled", "cancelled_by_user"),
        ("ann", "confirmed", "booked"),
    ]


def test_who_books_and_moves_up_in_one_group_is_told_of_a_seat_and_of_no_line() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann")])

    booking = book.book(user_id="ben")
    book.cancel(booking_id=1)

    assert booking.status == "confirmed"
    assert told(book) == [
        ("ann", "cancelled", "cancelled_by_user"),
        ("ben", "confirmed", "booked"),
    ]


def test_why_somebody_is_promoted_or_cancelled_is_the_callers_to_say() -> None:
    of = event(max_seats=2)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])
    book.promote(reason=Reason.CAPACITY_RAISED)
    assert told(book) == [("ben", "promoted", "capacity_raised")]

    over = event(max_seats=2, cancelled_at=NOON)
    book = allocation(over, [confirmed(over, 1, "ann")])
    book.cancel(booking_id=1, reason=Reason.EVENT_CANCELLED)
    assert told(book) == [("ann", "cancelled", "event_cancelled")]


def test_a_refusal_is_nothing_to_tell() -> None:
    of = event(max_seats=1, waitlist_limit=0)
    book = allocation(of, [confirmed(of, 1, "ann")])

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ann")
    with pytest.raises(FullyBooked):
        book.book(user_id="ben")

    assert book.changes == []
