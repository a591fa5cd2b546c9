"""`manage_booking.py verify_bookings` finds what is wrong, says so, and repairs it when asked."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.services import events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.events import event_sync
from tests.support.booking.factories import EventFactory, announced, booked, now
from tests.support.booking.outbox import forget_what_was_told, told

pytestmark = pytest.mark.django_db


def verify(**options: Any) -> tuple[int, str]:
    """Exit status and what is printed."""
    out = StringIO()
    try:
        call_command("verify_bookings", stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def event() -> Event:
    """Two seats taken; cat and dan wait, with numbers 1 and 2."""
    event: Event = EventFactory(max_seats=2, waitlist_limit=3)
    booked(event, ["ann", "ben", "cat", "dan"])
    return event


def test_bookings_that_agree_exit_0(event: Event) -> None:
    assert verify() == (0, "bookings and counters agree\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"confirmed_count": 1}, "counts 1 confirmed, has 2"),
        ({"waitlisted_count": 1}, "counts 1 waitlisted, has 2"),
        ({"last_waitlist_order": 1}, "gave out waitlist number 2, but would continue after 1"),
        ({"max_seats": 3}, "has 1 idle seats while 2 wait"),
    ],
)
def test_differences_are_reported_and_repaired(
    event: Event, wrong: dict[str, int], said: str
) -> None:
    Event.objects.filter(pk=event.pk).update(**wrong)

    status, printed = verify()
    assert status == 1
    assert f"event {event.pk}: {said}" in printed

    status, printed = verify(repair=True)
    assert status == 0
    assert f"event {event.pk}: repaired" in printed
    assert verify()[0] == 0


def test_an_idle_seat_goes_to_the_head_of_the_line(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(max_seats=3)

    verify(repair=True)

    by_user = dict(Booking.objects.filter(event=event).values_list("user_id", "status"))
    assert by_user["cat"] == BookingStatus.CONFIRMED
    assert by_user["dan"] == BookingStatus.WAITLISTED


def test_more_confirmed_than_seats_are_honoured_and_nobody_loses_a_seat(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(confirmed_count=0, max_seats=1)

    status, printed = verify()
    assert status == 1
    assert "has 2 seats taken of 1" in printed

    assert verify(repair=True)[0] == 0
    assert Booking.objects.filter(event=event, status=BookingStatus.CONFIRMED).count() == 2


def test_bookings_left_by_a_cancelled_event_are_given_to_the_consumer(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(cancelled_at=now())

    status, printed = verify()
    assert status == 1
    assert f"event {event.pk}: is cancelled, but its 4 bookings are not being cancelled" in printed

    status, printed = verify(repair=True)
    assert status == 0
    left = f"event {event.pk}: consume_events has yet to cancel 4 bookings"
    assert left in printed
    assert verify()[0] == 0, "work in hand is not an error"

    while do_next_batch() is not None:
        pass
    assert verify() == (0, "bookings and counters agree\n")
    assert not Booking.objects.exclude(status=BookingStatus.CANCELLED).exists()


def test_pending_promotions_are_reported_and_are_not_an_error(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PROMOTION_BATCH", 1)
    event_sync(announced(event, max_seats=9))

    status, printed = verify()

    assert status == 0
    assert f"event {event.pk}: consume_events has yet to promote 1 bookings" in printed
    while do_next_batch() is not None:
        pass
    assert verify() == (0, "bookings and counters agree\n")


def test_a_repair_leaves_a_long_line_to_the_consumer(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PROMOTION_BATCH", 1)
    Event.objects.filter(pk=event.pk).update(max_seats=9)
    forget_what_was_told()

    status, printed = verify(repair=True)

    assert status == 0
    assert "has yet to promote 1 bookings" in printed
    assert do_next_batch() == event.pk
    assert told() == [("booking.promoted", user, "repaired") for user in ("cat", "dan")]


def test_a_promotion_by_a_repair_is_announced(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(max_seats=3)
    forget_what_was_told()

    verify(repair=True)

    assert told() == [("booking.promoted", "cat", "repaired")]


def test_an_overtaken_user_is_reported_each_time(event: Event) -> None:
    """A recount can't tell who should have had the seat: a person has to decide that."""
    Booking.objects.filter(event=event, user_id="ann").update(status=BookingStatus.CANCELLED)
    Booking.objects.filter(event=event, user_id="dan").update(status=BookingStatus.CONFIRMED)
    Event.objects.filter(pk=event.pk).update(waitlisted_count=1)

    for repair in (False, True):
        status, printed = verify(repair=repair)
        assert status == 1
        assert "promoted waitlist number 2 while 1 waits" in printed
