"""A page of another site can't book or cancel through its visitor's browser."""

from collections.abc import Mapping

import pytest
from django.http import HttpResponse
from django.test import Client

from booking_project.bookings.models import Booking, BookingStatus, Event
from tests.support.authorization import operations
from tests.support.booking.factories import EventFactory, booked
from tests.support.booking.problems import assert_problem
from tests.support.other_sites import FOREIGN, FORM_TYPES, OWN

pytestmark = pytest.mark.django_db

BODIES = {
    "POST /api/v1/events/{event_id}/bookings": b'{"user_id": "ben"}',
    "POST /api/v1/events/{event_id}/waiting-room": b'{"user_id": "ben"}',
    "DELETE /api/v1/bookings/{booking_id}": b"",
}


def call(
    browser: Client,
    operation: str,
    *,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """On an event that ann has booked."""
    [booking] = booked(EventFactory(), ["ann"])
    if operation.endswith("waiting-room"):
        Event.objects.update(waiting_room_rate=1)
    method, path = operation.split()
    path = path.format(event_id=booking.event_id, booking_id=booking.pk)
    # Django's client leaves out the type of an empty body; browsers don't.
    return browser.generic(
        method, path, body, content_type, headers=headers, CONTENT_TYPE=content_type
    )


def untouched() -> bool:
    return [(row.user_id, row.status) for row in Booking.objects.all()] == [
        ("ann", BookingStatus.CONFIRMED)
    ]


def test_every_write_of_the_schema_is_tried() -> None:
    assert {name for name in operations() if not name.startswith("GET ")} == set(BODIES)


@pytest.mark.parametrize("page", FOREIGN)
@pytest.mark.parametrize("operation", BODIES)
def test_writes_from_other_sites_are_refused_in_an_open_service(
    browser: Client, operation: str, page: str
) -> None:
    body = BODIES[operation]
    kind = "application/json" if body else ""

    response = call(browser, operation, body=body, content_type=kind, headers=FOREIGN[page])

    assert_problem(response, 403, code="cross_origin")
    assert untouched()


@pytest.mark.parametrize("sender", OWN)
@pytest.mark.parametrize("operation", BODIES)
def test_writes_from_the_own_site_and_from_programs_are_accepted(
    browser: Client, operation: str, sender: str
) -> None:
    body = BODIES[operation]
    kind = "application/json" if body else ""

    response = call(browser, operation, body=body, content_type=kind, headers=OWN[sender])

    assert response.status_code in (200, 201)


@pytest.mark.parametrize("content_type", FORM_TYPES)
@pytest.mark.parametrize("body", [b"", b"user_id=ben", b'{"user_id": "ben"}'])
@pytest.mark.parametrize("operation", BODIES)
def test_form_content_types_are_refused_from_every_origin(
    browser: Client, operation: str, body: bytes, content_type: str
) -> None:
    response = call(browser, operation, body=body, content_type=content_type)

    # Without a body, the user is missing.
    lacks = body == b"" and operation.startswith("POST")
    assert response.status_code == (400 if lacks else 415), response.content
    assert untouched()


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "application/xml"])
def test_a_body_must_be_json_even_where_it_is_ignored(browser: Client, content_type: str) -> None:
    operation = "DELETE /api/v1/bookings/{booking_id}"

    assert_problem(call(browser, operation, body=b"{}", content_type=content_type), 415)
    assert_problem(call(browser, operation, body=b"{", content_type="application/json"), 400)
    assert Booking.objects.filter(status=BookingStatus.CANCELLED).count() == 0
    assert call(browser, operation, body=b"{}", content_type="application/json").status_code == 200
