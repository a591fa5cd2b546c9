"""Controls: the check of a history finds wrong outcomes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.proof.history import Booked, Cancelled, FinalState, Operation, contradictions


def booking(number: int, status: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "event_id": 1, "user_id": f"user-{number}", "status": status, **more}


def booked(number: int, status: str, **more: Any) -> Booked:
    return Booked(
        event_id=1,
        user_id=f"user-{number}",
        outcome="ok",
        booking=booking(number, status, **more),
    )


def history() -> list[Operation]:
    """Two seats, two places to wait: 1 cancels, so 3 moves up; 4 waits; 5 is refused."""
    return [
        booked(1, "confirmed"),
        booked(2, "confirmed"),
        booked(3, "waitlisted", waitlist_order=1),
        booked(4, "waitlisted", waitlist_order=2),
        Booked(event_id=1, user_id="user-5", outcome="refused"),
        Cancelled(event_id=1, booking_id=1, outcome="ok"),
        Cancelled(event_id=1, booking_id=1, outcome="refused", already=True),
    ]


def final() -> FinalState:
    return FinalState(
        event_id=1,
        max_seats=2,
        waitlist_limit=2,
        confirmed_count=2,
        waitlisted_count=1,
        bookings=[
            booking(1, "cancelled"),
            booking(2, "confirmed"),
            booking(3, "confirmed"),
            booking(4, "waitlisted", waitlist_order=2),
        ],
    )


def test_a_correct_outcome_has_no_contradictions() -> None:
    assert contradictions(history(), final()) == []


def test_an_unknown_outcome_may_have_happened_or_not() -> None:
    unknown: list[Operation] = [
        *history(),
        Booked(event_id=1, user_id="user-6", outcome="unknown"),
        Cancelled(event_id=1, booking_id=4, outcome="unknown"),
    ]
    assert contradictions(unknown, final()) == []


def lose_an_acknowledged_booking(state: FinalState) -> None:
    state.bookings = state.bookings[1:]


def keep_a_cancelled_booking(state: FinalState) -> None:
    state.bookings[0]["status"] = "confirmed"


def cancel_unasked(state: FinalState) -> None:
    state.bookings[1]["status"] = "cancelled"


def book_the_refused(state: FinalState) -> None:
    state.bookings = [*state.bookings, booking(5, "cancelled")]


def oversell(state: FinalState) -> None:
    state.max_seats = 1


def miscount(state: FinalState) -> None:
    state.confirmed_count = 1


def leave_a_seat_idle(state: FinalState) -> None:
    state.max_seats = 3


def promote_the_second_in_line(state: FinalState) -> None:
    state.bookings[2] = booking(3, "waitlisted", waitlist_order=1)
    state.bookings[3] = booking(4, "confirmed")


def send_a_confirmed_user_back_to_the_line(state: FinalState) -> None:
    state.bookings[1] = booking(2, "waitlisted", waitlist_order=9)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lose_an_acknowledged_booking, "is lost"),
        (keep_a_cancelled_booking, "was cancelled and is confirmed"),
        (cancel_unasked, "nobody asked for"),
        (book_the_refused, "can have succeeded"),
        (oversell, "confirmed for 1 seats"),
        (miscount, "has the bookings wrong"),
        (leave_a_seat_idle, "idle seats"),
        (promote_the_second_in_line, "was promoted while"),
        (send_a_confirmed_user_back_to_the_line, "waits now"),
    ],
)
def test_a_wrong_outcome_is_found(damage: Callable[[FinalState], None], found: str) -> None:
    state = final()
    damage(state)
    assert any(found in contradiction for contradiction in contradictions(history(), state))


def test_a_second_successful_cancellation_is_found() -> None:
    twice = [*history(), Cancelled(event_id=1, booking_id=1, outcome="ok")]
    assert "booking 1 was cancelled 2 times" in contradictions(twice, final())


def test_a_waitlist_number_given_twice_is_found() -> None:
    again = booked(4, "waitlisted", waitlist_order=1)
    same_number = [again if operation == history()[3] else operation for operation in history()]
    found = contradictions(same_number, final())
    assert "waitlist number 1 was given to [3, 4]" in found
