"""Rules 3 to 6: what a cancellation frees, and who gets it."""

import pytest

from booking_project.bookings.domain.errors import AlreadyCancelled, BookingNotFound
from booking_project.bookings.models import BookingStatus
from tests.support.booking.allocations import (
    NOON,
    allocation,
    cancelled,
    confirmed,
    event,
    promoted,
    waitlisted,
)


def test_a_cancelled_seat_is_free_again() -> None:
    of = event(max_seats=1, waitlist_limit=0)
    book = allocation(of, [confirmed(of, 1, "ann")])

    booking = book.cancel(booking_id=1)

    assert booking.pk == 1
    assert booking.status == BookingStatus.CANCELLED
    assert booking.updated_at == NOON
    assert book.updated == [booking]
    assert of.confirmed_count == 0
    assert book.book(user_id="ben").status == BookingStatus.CONFIRMED


def test_the_first_in_line_gets_the_seat_that_is_given_up() -> None:
    of = event(max_seats=1)
    rows = [
        confirmed(of, 1, "ann"),
        waitlisted(of, 2, "ben", order=1),
        waitlisted(of, 3, "cat", order=2),
    ]
    book = allocation(of, rows)

    book.cancel(booking_id=1)

    assert [(row.user_id, row.status) for row in promoted(book)] == [
        ("ben", BookingStatus.CONFIRMED)
    ]
    assert rows[2].status == BookingStatus.WAITLISTED
    assert promoted(book)[0].updated_at == NOON
    assert (of.confirmed_count, of.waitlisted_count) == (1, 1)


def test_several_seats_go_to_the_waitlist_in_its_order() -> None:
    of = event(max_seats=3, waitlist_limit=3)
    rows = [confirmed(of, pk, f"seated-{pk}") for pk in (1, 2, 3)]
    rows += [waitlisted(of, 10 + order, f"waits-{order}", order=order) for order in (4, 5, 6)]
    book = allocation(of, rows)

    for pk in (3, 1, 2):
        book.cancel(booking_id=pk)

    assert [row.waitlist_order for row in promoted(book)] == [4, 5, 6]
    assert (of.confirmed_count, of.waitlisted_count) == (3, 0)


def test_a_user_who_leaves_the_waitlist_frees_no_seat() -> None:
    of = event(max_seats=1)
    rows = [
        confirmed(of, 1, "ann"),
        waitlisted(of, 2, "ben", order=1),
        waitlisted(of, 3, "cat", order=2),
    ]
    book = allocation(of, rows)

    book.cancel(booking_id=2)

    assert promoted(book) == []
    assert (of.confirmed_count, of.waitlisted_count) == (1, 1)


def test_a_user_who_left_the_waitlist_is_not_promoted() -> None:
    of = event(max_seats=1)
    rows = [
        confirmed(of, 1, "ann"),
        waitlisted(of, 2, "ben", order=1),
        waitlisted(of, 3, "cat", order=2),
    ]
    book = allocation(of, rows)

    book.cancel(booking_id=2)
    book.cancel(booking_id=1)

    assert [row.user_id for row in promoted(book)] == ["cat"]


def test_a_second_cancel_frees_nothing() -> None:
    of = event(max_seats=1)
    rows = [
        confirmed(of, 1, "ann"),
        waitlisted(of, 2, "ben", order=1),
        waitlisted(of, 3, "cat", order=2),
    ]
    book = allocation(of, rows)
    book.cancel(booking_id=1)

    with pytest.raises(AlreadyCancelled):
        book.cancel(booking_id=1)

    assert [row.user_id for row in promoted(book)] == ["ben"]
    assert [change.transition.name for change in book.changes].count("cancelled") == 1
    assert (of.confirmed_count, of.waitlisted_count) == (1, 1)


def test_a_cancelled_booking_stays_cancelled() -> None:
    of = event()
    book = allocation(of, [cancelled(of, 1, "ann")])

    with pytest.raises(AlreadyCancelled):
        book.cancel(booking_id=1)

    assert book.updated == []
    assert of.confirmed_count == 0


def test_an_unknown_booking_is_not_found() -> None:
    with pytest.raises(BookingNotFound):
        allocation(event()).cancel(booking_id=1)


def test_a_number_in_the_waitlist_is_never_given_out_again() -> None:
    of = event(max_seats=1, waitlist_limit=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=2)

    assert book.book(user_id="cat").waitlist_order == 2


def test_a_user_cancels_and_books_again_in_one_group() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann")])

    book.cancel(booking_id=1)
    again = book.book(user_id="ann")

    assert again.status == BookingStatus.CONFIRMED
    assert again.pk is None, "a row of its own"
    assert [row.pk for row in book.updated] == [1]
    assert of.confirmed_count == 1


def test_a_user_who_cancels_and_books_again_is_last_in_line() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)
    again = book.book(user_id="ann")

    assert again.status == BookingStatus.WAITLISTED
    assert again.waitlist_order == 2


def test_a_booking_that_is_promoted_and_cancelled_in_one_group_ends_cancelled() -> None:
    of = event(max_seats=1)
    rows = [
        confirmed(of, 1, "ann"),
        waitlisted(of, 2, "ben", order=1),
        waitlisted(of, 3, "cat", order=2),
    ]
    book = allocation(of, rows)

    book.cancel(booking_id=1)
    book.cancel(booking_id=2)

    assert {row.pk: str(row.status) for row in book.updated} == {
        1: "cancelled",
        2: "cancelled",
        3: "confirmed",
    }
    assert len(book.updated) == 3, "each row once"
    assert (of.confirmed_count, of.waitlisted_count) == (1, 0)


def test_a_user_who_waits_and_is_promoted_in_one_group_is_written_once_as_confirmed() -> None:
    of = event(max_seats=1)
    book = allocation(of, [confirmed(of, 1, "ann")])

    newcomer = book.book(user_id="ben")
    assert newcomer.status == BookingStatus.WAITLISTED
    book.cancel(booking_id=1)

    assert newcomer.status == BookingStatus.CONFIRMED
    assert book.created == [newcomer]
    assert [row.pk for row in book.updated] == [1], "what has no row yet is not updated"
    assert (of.confirmed_count, of.waitlisted_count) == (1, 0)


def test_an_event_that_is_cancelled_promotes_nobody() -> None:
    of = event(max_seats=1, cancelled_at=NOON)
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)

    assert promoted(book) == []
    assert (of.confirmed_count, of.waitlisted_count) == (0, 1)


def test_a_booking_can_be_given_up_after_the_window_is_over() -> None:
    of = event(max_seats=1, booking_end_at=NOON.replace(year=2025))
    book = allocation(of, [confirmed(of, 1, "ann"), waitlisted(of, 2, "ben", order=1)])

    book.cancel(booking_id=1)

    assert [row.user_id for row in promoted(book)] == ["ben"]
