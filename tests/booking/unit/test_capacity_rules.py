"""Rule 8: capacities that change after users have booked."""

import pytest

from booking_project.bookings.domain.allocation import honour_what_is_taken
from booking_project.bookings.domain.errors import FullyBooked
from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.models import BookingStatus
from tests.support.booking.allocations import allocation, confirmed, event, promoted, waitlisted


def test_capacity_raised_promotes_in_order_as_many_as_there_are_seats() -> None:
    of = event(max_seats=3, waitlist_limit=3)
    rows = [confirmed(of, 1, "ann")]
    rows += [waitlisted(of, 10 + order, f"waits-{order}", order=order) for order in (1, 2, 3)]
    book = allocation(of, rows)

    book.promote(reason=Reason.CAPACITY_RAISED)

    assert [row.waitlist_order for row in promoted(book)] == [1, 2]
    assert (of.confirmed_count, of.waitlisted_count) == (3, 1)


def test_nobody_is_promoted_into_an_event_that_is_still_over_its_capacity() -> None:
    of = event(max_seats=1)
    rows = [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2, 3)]
    book = allocation(of, [*rows, waitlisted(of, 4, "ben", order=1)])

    book.cancel(booking_id=1)
    book.cancel(booking_id=2)
    assert promoted(book) == []
    assert of.confirmed_count == 1

    book.cancel(booking_id=3)
    assert [row.user_id for row in promoted(book)] == ["ben"]
    assert of.confirmed_count == 1


def test_nobody_books_a_seat_of_an_event_that_is_over_its_capacity() -> None:
    of = event(max_seats=1, waitlist_limit=1)
    book = allocation(of, [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2)])

    assert book.book(user_id="ann").status == BookingStatus.WAITLISTED
    with pytest.raises(FullyBooked):
        book.book(user_id="ben")

    assert of.confirmed_count == 2


def test_a_waitlist_above_its_limit_accepts_nobody() -> None:
    of = event(max_seats=1, waitlist_limit=1)
    rows = [confirmed(of, 1, "ann")]
    rows += [waitlisted(of, 10 + order, f"waits-{order}", order=order) for order in (1, 2)]
    book = allocation(of, rows)

    with pytest.raises(FullyBooked):
        book.book(user_id="dan")


def test_bookings_above_a_capacity_are_stored_as_honoured() -> None:
    of = event(max_seats=1, waitlist_limit=1)
    rows = [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2, 3)]
    rows += [waitlisted(of, 10 + order, f"waits-{order}", order=order) for order in (1, 2)]
    book = allocation(of, rows)

    honour_what_is_taken(book.event)

    assert (of.honoured_seats, of.honoured_waitlist) == (3, 2)


def test_the_honoured_count_falls_with_every_place_given_up() -> None:
    of = event(max_seats=1, waitlist_limit=0)
    book = allocation(of, [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2, 3)])

    book.cancel(booking_id=1)
    assert of.honoured_seats == 2
    book.cancel(booking_id=2)
    assert of.honoured_seats == 0, "within the capacity nothing needs to be honoured"


def test_a_booking_never_raises_the_honoured_count() -> None:
    of = event(max_seats=1, waitlist_limit=3)
    book = allocation(of, [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2)])

    book.book(user_id="ann")

    assert (of.honoured_seats, of.honoured_waitlist) == (2, 0)


def test_seats_available_is_never_negative() -> None:
    assert event(max_seats=3, confirmed_count=1).seats_available == 2
    assert event(max_seats=1, confirmed_count=3).seats_available == 0
