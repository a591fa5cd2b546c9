"""The arithmetic of a waiting room, without a clock."""

import pytest

from booking_project.bookings.domain.turns import (
    DRAWN,
    LONGEST_PAUSE,
    TURN_SECONDS,
    Place,
    PlaceState,
    Room,
    Ticket,
)
from tests.support.booking.factories import EventFactory

SEEN_AT = 1000.0


def room(**changes: float) -> Room:
    values = {
        "gives_way": False,
        "rate": 10,
        "highest_rate": 10,
        "called": 0.0,
        "last_turn": 100,
        "early": 0,
        "opens_in": 0.0,
        "seen_at": SEEN_AT,
    }
    return Room(event=EventFactory.build(), **{**values, **changes})  # type: ignore[arg-type]


def place(room: Room, turn: int, *, after: float = 0.0, draw: float = 0.0) -> Place:
    return room.place(Ticket(1, "ann", turn), draw=draw, now=SEEN_AT + after)


def test_turns_come_up_at_the_rate() -> None:
    assert place(room(), 1).state is PlaceState.READY
    assert place(room(), 21) == Place(state=PlaceState.WAITING, position=20, seconds=2.0)
    assert place(room(), 21, after=1) == Place(state=PlaceState.WAITING, position=10, seconds=1.0)
    assert place(room(), 21, after=2).state is PlaceState.READY


def test_whoever_is_next_is_first_in_line() -> None:
    assert place(room(called=4.5), 5).state is PlaceState.READY
    assert place(room(called=4.5), 6).position == 1


def test_a_turn_that_is_not_used_is_missed() -> None:
    too_late = TURN_SECONDS + 0.2
    assert place(room(), 1, after=TURN_SECONDS).state is PlaceState.READY
    assert place(room(), 1, after=too_late).state is PlaceState.MISSED


def test_a_lower_rate_takes_nobody_the_time_to_book() -> None:
    slowed = room(rate=1, highest_rate=1000, called=10_000.0)

    assert place(slowed, 1, after=60).state is PlaceState.READY


def test_before_the_opening_nobody_has_a_place() -> None:
    early = room(opens_in=60.0, early=10)

    assert place(early, DRAWN, draw=0.5) == Place(state=PlaceState.EARLY, seconds=62.5)
    assert place(early, DRAWN, draw=0.5, after=59).state is PlaceState.EARLY
    assert place(early, DRAWN, draw=0.55, after=60).position == 5


@pytest.mark.parametrize(("draw", "position"), [(0.11, 1), (0.5, 5), (0.999, 9)])
def test_the_draw_shares_the_first_turns(draw: float, position: int) -> None:
    assert place(room(early=10), DRAWN, draw=draw).position == position


def test_turns_of_a_quiet_time_are_gone() -> None:
    quiet = room(called=5000.0, last_turn=3)

    assert quiet.place_of_newcomer(now=SEEN_AT).state is PlaceState.READY
    assert place(quiet, 5003).position == 2


def test_nobody_is_told_to_come_back_much_later() -> None:
    assert place(room(), 100_000).retry_after == LONGEST_PAUSE
