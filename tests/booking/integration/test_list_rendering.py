"""Lists and single bookings are rendered without serializers, with the same result."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from booking_project.bookings.api.serializers import BookingOutput
from booking_project.bookings.models import Booking, BookingStatus
from booking_project.bookings.representation import represent_booking
from shared.formats.json import dump_json
from tests.support.booking.factories import EventFactory, now

pytestmark = pytest.mark.django_db

USERS = [
    "ann",
    "สมชาย",
    "😀",
    'a "quoted" \\ name',
    "<b>&</b>",
    "a\u2028b",
    "x" * 255,
    " ann ",
    "é",
]
TIMES = [
    datetime(2026, 2, 20, 10, 0, tzinfo=UTC),
    datetime(2026, 2, 20, 10, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 2, 20, 10, 0, 0, 500_000, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
PLACES = [
    (BookingStatus.CONFIRMED, None),
    (BookingStatus.CONFIRMED, 7),  # promoted
    (BookingStatus.WAITLISTED, 8),
    (BookingStatus.WAITLISTED, 2**31 - 1),
    (BookingStatus.CANCELLED, None),
    (BookingStatus.CANCELLED, 9),
]


def stored(*, user_id: str = "ann", place: tuple[str, int | None] = PLACES[0]) -> list[Booking]:
    """One for each of `TIMES`, each at its own event."""
    status, order = place
    return [
        Booking.objects.create(
            event=EventFactory(),
            user_id=user_id,
            status=status,
            waitlist_order=order,
            created_at=time,
            updated_at=now(),
        )
        for time in TIMES
    ]


def serialized(bookings: list[Booking]) -> bytes:
    return dump_json([BookingOutput(represent_booking(each)).data for each in bookings])


@pytest.mark.parametrize("place", PLACES)
def test_lists_are_what_the_serializer_makes(client: Client, place: tuple[str, int | None]) -> None:
    bookings = stored(place=place)

    assert client.get("/api/v1/bookings?user_id=ann").content == serialized(bookings)
    for booking in bookings:
        listed = client.get(f"/api/v1/events/{booking.event_id}/bookings")
        assert listed.content == serialized([booking])


@pytest.mark.parametrize("user_id", USERS)
def test_users_are_what_the_serializer_makes(client: Client, user_id: str) -> None:
    for booking in stored(user_id=user_id):
        listed = client.get(f"/api/v1/events/{booking.event_id}/bookings")
        assert listed.content == serialized([booking])


@pytest.mark.parametrize("place", PLACES)
def test_every_field_is_shown_in_the_order_of_the_schema(place: tuple[str, int | None]) -> None:
    booking = stored(place=place)[0]
    of_others = {"waitlist_position", "waitlist_position_above"}
    if booking.status != BookingStatus.WAITLISTED:
        of_others.add("waitlist_order")

    shown = [name for name in BookingOutput().fields if name not in of_others]

    assert list(represent_booking(booking)) == shown
    assert list(BookingOutput(represent_booking(booking)).data) == shown
