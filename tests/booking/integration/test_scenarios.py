"""The six scenarios of the system this one replaces, and many users at the same moment.

All through `admission`, as requests come in: grouped where they meet.
"""

import functools
from collections import Counter
from collections.abc import Iterable

import pytest

from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    BookingNotOpen,
    EventNotFound,
    FullyBooked,
)
from booking_project.bookings.models import Booking, BookingStatus
from booking_project.bookings.services.bookings import booking_cancel
from tests.support.booking.commands import create
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.on_a_cluster import GROUPINGS
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def count(outcomes: Iterable[Booking | Exception]) -> Counter[str]:
    return Counter(
        str(outcome.status) if isinstance(outcome, Booking) else type(outcome).__name__
        for outcome in outcomes
    )


def booking(event_id: int, user_id: str) -> functools.partial[Booking]:
    return functools.partial(create, event_id=event_id, user_id=user_id)


def cancelling(booking_id: int) -> functools.partial[Booking]:
    return functools.partial(booking_cancel, booking_id=booking_id)


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_sixty_users_on_fifty_seats_and_five_places_in_line(settings, grouping: str) -> None:
    settings.ADMISSION_GROUPING = grouping
    event = EventFactory(max_seats=50, waitlist_limit=5)

    outcomes = at_once([booking(event.pk, user) for user in users(60)])

    assert count(outcomes) == {"confirmed": 50, "waitlisted": 5, FullyBooked.__name__: 5}
    assert tally(event.pk) == Tally(confirmed=50, waitlisted=5, cancelled=0)
    assert unsound(event.pk) == []


def test_the_same_user_twice() -> None:
    event = EventFactory()
    create(event_id=event.pk, user_id="ann")

    with pytest.raises(AlreadyBooked):
        create(event_id=event.pk, user_id="ann")

    assert Booking.objects.count() == 1


def test_the_same_user_ten_times_at_once() -> None:
    event = EventFactory()

    outcomes = at_once([booking(event.pk, "ann")] * 10)

    assert count(outcomes) == {"confirmed": 1, AlreadyBooked.__name__: 9}
    assert Booking.objects.count() == 1
    assert unsound(event.pk) == []


def test_a_seat_given_up_goes_to_the_first_of_those_who_wait() -> None:
    event = EventFactory(max_seats=50, waitlist_limit=5)
    seated = booked(event, users(50))
    booked(event, ["first", "second", "third"])

    cancelled = booking_cancel(booking_id=seated[0].pk)

    assert cancelled.status == BookingStatus.CANCELLED
    assert Booking.objects.get(user_id="first").status == BookingStatus.CONFIRMED
    assert line(event.pk) == ["second", "third"]
    assert tally(event.pk) == Tally(confirmed=50, waitlisted=2, cancelled=1)
    assert unsound(event.pk) == []


def test_an_event_that_has_not_started_is_not_open() -> None:
    event = EventFactory(not_started=True)

    with pytest.raises(BookingNotOpen):
        create(event_id=event.pk, user_id="ann")


def test_an_event_that_is_over_is_not_open() -> None:
    event = EventFactory(over=True)

    with pytest.raises(BookingNotOpen):
        create(event_id=event.pk, user_id="ann")


def test_an_event_that_was_not_announced_is_not_found() -> None:
    with pytest.raises(EventNotFound):
        create(event_id=99999, user_id="ann")


def test_a_booking_is_stored_as_it_was_answered() -> None:
    event = EventFactory(max_seats=1)
    for user in ("ann", "ben"):
        answered = create(event_id=event.pk, user_id=user)
        kept = Booking.objects.get(pk=answered.pk)

        for column in ("event_id", "user_id", "status", "waitlist_order", "created_at"):
            assert getattr(kept, column) == getattr(answered, column)


def test_eight_concurrent_cancels_of_one_booking_free_one_seat() -> None:
    event = EventFactory(max_seats=2, waitlist_limit=5)
    seated, *_ = booked(event, users(2))
    booked(event, ["first", "second", "third"])

    outcomes = at_once([cancelling(seated.pk)] * 8)

    assert count(outcomes) == {"cancelled": 1, AlreadyCancelled.__name__: 7}
    assert line(event.pk) == ["second", "third"]
    assert tally(event.pk) == Tally(confirmed=2, waitlisted=2, cancelled=1)
    assert unsound(event.pk) == []


def test_the_head_of_the_line_leaves_while_seats_are_given_up_round_after_round() -> None:
    event = EventFactory(max_seats=2, waitlist_limit=5)
    booked(event, users(7))

    for number in range(25):
        active = Booking.objects.filter(event=event).exclude(status=BookingStatus.CANCELLED)
        seated = active.filter(status=BookingStatus.CONFIRMED).latest("pk")
        head = active.filter(status=BookingStatus.WAITLISTED).earliest("waitlist_order")

        outcomes = at_once(
            [
                cancelling(head.pk),
                cancelling(seated.pk),
                booking(event.pk, f"new-{number}"),
                booking(event.pk, f"late-{number}"),
            ]
        )

        assert count(outcomes)["cancelled"] == 2
        assert unsound(event.pk) == [], f"in round {number}"
        kept = Booking.objects.in_bulk([head.pk, seated.pk])
        assert {row.status for row in kept.values()} == {BookingStatus.CANCELLED}


def test_promotion_keeps_the_order_of_the_line_over_many_rounds() -> None:
    event = EventFactory(max_seats=3, waitlist_limit=6)
    booked(event, users(9))
    promoted: list[int] = []

    for number in range(20):
        waiting = set(line(event.pk))
        seated = Booking.objects.filter(event=event, status=BookingStatus.CONFIRMED)
        gives_up = list(seated.order_by("?")[: 1 + number % 3])

        outcomes = at_once(
            [cancelling(row.pk) for row in gives_up]
            + [booking(event.pk, f"round-{number}-{user}") for user in ("a", "b", "c")]
        )

        assert count(outcomes)["cancelled"] == len(gives_up)
        now_seated = Booking.objects.filter(
            event=event, status=BookingStatus.CONFIRMED, waitlist_order__isnull=False
        )
        promoted += [
            row.waitlist_order
            for row in now_seated.order_by("waitlist_order")
            if row.user_id in waiting and row.waitlist_order is not None
        ]
        assert unsound(event.pk) == [], f"in round {number}"

    assert len(promoted) >= 30
    assert promoted == sorted(promoted)


def test_two_hundred_users_on_twenty_events() -> None:
    events = EventFactory.create_batch(20, max_seats=6, waitlist_limit=2)

    calls = [
        booking(events[number % 20].pk, f"{user}-{turn}")
        for turn in range(4)
        for number, user in enumerate(users(50))
    ]
    outcomes: list[Booking | Exception] = []
    for turn in range(4):
        outcomes += at_once(calls[turn * 50 : turn * 50 + 50])

    assert count(outcomes) == {"confirmed": 120, "waitlisted": 40, FullyBooked.__name__: 40}
    assert [unsound(event.pk) for event in events] == [[]] * 20
