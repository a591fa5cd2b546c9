"""What an allocation collects for messages: each change, with its reason."""

import pytest

from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.errors import AlreadyBooked, FullyBooked
from booking_project.bookings.domain.transitions import Reason
from tests.support.booking.allocations import NOON, allocation, confirmed, event, waitlisted

Told = list[tuple[str, str, str]]


def told(book: SeatAllocation) -> Told:
    return [(each.booking.user_id, each.transition.name, each.reason) for each in book.changes]


def test_a_new_booking_is_confirmed_or_waitlisted() -> None:
    book = allocation(event(max_seats=1))

    book.book(user_id="ann")
    book.book(user_id="ben")

    assert told(book) == [("ann", "confirmed", "booked"), ("ben", "waitlisted", "booked")]


def test_a_cancellation_is_announced_before_the_promotion() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)

    assert told(book) == [
        ("ann", "cancelled", "cancelled_by_user"),
        ("ben", "promoted", "seat_freed"),
    ]


def test_each_booking_of_a_group_is_announced_once() -> None:
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


def test_a_booking_that_moves_up_in_its_group_is_announced_only_as_confirmed() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann")])

    booking = book.book(user_id="ben")
    book.cancel(booking_id=1)

    assert booking.status == "confirmed"
    assert told(book) == [
        ("ann", "cancelled", "cancelled_by_user"),
        ("ben", "confirmed", "booked"),
    ]


def test_the_caller_says_why_bookings_are_promoted_or_cancelled() -> None:
    of = event(max_seats=2)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])
    book.promote(reason=Reason.CAPACITY_RAISED)
    assert told(book) == [("ben", "promoted", "capacity_raised")]

    over = event(max_seats=2, cancelled_at=NOON)
    book = allocation(over, [confirmed(over, 1, "ann")])
    book.cancel(booking_id=1, reason=Reason.EVENT_CANCELLED)
    assert told(book) == [("ann", "cancelled", "event_cancelled")]


def test_a_refusal_is_not_announced() -> None:
    of = event(max_seats=1, waitlist_limit=0)
    book = allocation(of, [confirmed(of, 1, "ann")])

    with pytest.raises(AlreadyBooked):
        book.book(user_id="ann")
    with pytest.raises(FullyBooked):
        book.book(user_id="ben")

    assert book.changes == []
