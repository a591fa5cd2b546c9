"""The rows of the event service's contract, on a real database. Nothing is published here: the
transaction that a test runs in never commits."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from event_project.events.models import Event
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, VALID, assert_problem, post, valid, without

pytestmark = pytest.mark.django_db

FIELDS = [
    "id",
    "name",
    "max_seats",
    "waitlist_limit",
    "price",
    "booking_start_at",
    "booking_end_at",
    "description",
    "venue",
    "starts_at",
    "ends_at",
    "time_zone",
    "currency",
    "waiting_room_rate",
    "created_at",
    "updated_at",
    "version",
    "cancelled_at",
]


def created(client: Client, body: dict[str, Any] | bytes) -> dict[str, Any]:
    response = post(client, body)
    assert response.status_code == 201, response.content
    event: dict[str, Any] = response.json()
    return event


def test_a_created_event_comes_back_with_exactly_the_fields_of_the_contract(client: Client) -> None:
    response = post(client, VALID)

    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    event = response.json()
    assert list(event) == FIELDS
    stored = Event.objects.get()
    assert event == {
        "id": stored.pk,
        "name": "Golang Workshop Bangkok",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500,
        "booking_start_at": "2026-02-20T10:00:00Z",
        "booking_end_at": "2026-02-25T10:00:00Z",
        "description": None,
        "venue": None,
        "starts_at": None,
        "ends_at": None,
        "time_zone": "Asia/Bangkok",
        "currency": "THB",
        "waiting_room_rate": None,
        "created_at": event["created_at"],
        "updated_at": event["updated_at"],
        "version": 1,
        "cancelled_at": None,
    }
    for field in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", event[field])


def test_a_created_event_can_be_read(client: Client) -> None:
    event = created(client, VALID)

    response = client.get(f"{EVENTS}/{event['id']}")

    assert response.status_code == 200
    assert response.json() == event


def test_waitlist_and_price_may_be_left_out(client: Client) -> None:
    event = created(client, without("waitlist_limit", "price"))

    assert (event["waitlist_limit"], event["price"]) == (0, 0)


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        (b"2500", b"2500"),
        (b"2500.5", b"2500.5"),
        (b"2500.50", b"2500.5"),
        (b"2.5e3", b"2500"),
        (b"0.01", b"0.01"),
        (b"0", b"0"),
        (b"9999999999.99", b"9999999999.99"),
    ],
)
def test_money_is_a_json_number_in_and_out(client: Client, sent: bytes, returned: bytes) -> None:
    body = b'{"name":"a","max_seats":1,"booking_start_at":"2026-02-20T17:00:00Z",'
    body += b'"booking_end_at":"2026-02-21T17:00:00Z","price":%s}' % sent

    response = post(client, body)

    assert response.status_code == 201, response.content
    assert b'"price":%s,' % returned in response.content


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2026-02-20T17:00:00Z", "2026-02-20T17:00:00Z"),
        ("2026-02-20t17:00:00z", "2026-02-20T17:00:00Z"),
        ("2026-02-20T17:00:00+07:00", "2026-02-20T10:00:00Z"),
        ("2026-02-20T17:00:00-00:00", "2026-02-20T17:00:00Z"),
        ("2026-02-20T00:30:00+05:45", "2026-02-19T18:45:00Z"),
        ("2026-02-20T17:00:00.25Z", "2026-02-20T17:00:00.250000Z"),
        ("2024-02-29T17:00:00Z", "2024-02-29T17:00:00Z"),
    ],
)
def test_a_time_with_any_offset_comes_out_in_utc(client: Client, sent: str, returned: str) -> None:
    event = created(client, valid(booking_start_at=sent))

    assert event["booking_start_at"] == returned
    assert client.get(f"{EVENTS}/{event['id']}").json()["booking_start_at"] == returned


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"name": "  Sale  "}, "name", "Sale"),
        ({"name": "x" * 255}, "name", "x" * 255),
        ({"name": "งานเปิดตัว 🎉 é"}, "name", "งานเปิดตัว 🎉 é"),
        ({"name": "'; DROP TABLE--<script>"}, "name", "'; DROP TABLE--<script>"),
        ({"max_seats": 1}, "max_seats", 1),
        ({"max_seats": 2**31 - 1}, "max_seats", 2**31 - 1),
        ({"max_seats": 50.0}, "max_seats", 50),
        ({"waitlist_limit": 0}, "waitlist_limit", 0),
        ({"waitlist_limit": 2**31 - 1}, "waitlist_limit", 2**31 - 1),
    ],
)
def test_values_at_the_limits_are_accepted(
    client: Client, changes: dict[str, Any], field: str, value: object
) -> None:
    event = created(client, valid(**changes))

    assert event[field] == value
    assert client.get(f"{EVENTS}/{event['id']}").json() == event


def test_fields_that_the_service_sets_are_ignored_in_requests(client: Client) -> None:
    event = created(client, valid(id=999, version=7, cancelled_at="2026-01-01T00:00:00Z"))

    assert (event["id"] != 999, event["version"], event["cancelled_at"]) == (True, 1, None)


@pytest.mark.parametrize("event_id", ["999999", str(2**63 - 1), str(2**63), "9" * 400])
def test_an_unknown_event_is_404_however_large_its_id(client: Client, event_id: str) -> None:
    EventFactory.create()

    response = client.get(f"{EVENTS}/{event_id}")

    assert_problem(response, 404, code="event_not_found", message="event not found")


@pytest.mark.django_db(transaction=True, reset_sequences=True)
@pytest.mark.usefixtures("broker")
def test_ids_count_from_one_and_refusals_use_up_none(client: Client) -> None:
    ids = []
    for _ in range(3):
        ids.append(created(client, VALID)["id"])
        assert post(client, valid(max_seats=0)).status_code == 400
        assert post(client, b"{").status_code == 400

    assert ids == [1, 2, 3]


def test_the_browsable_api_shows_events_and_a_form(client: Client) -> None:
    event = EventFactory.create(name="Shown <b>safely</b>")

    for path in (EVENTS, f"{EVENTS}/{event.pk}"):
        response = client.get(path, headers={"accept": "text/html"})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
        assert b"Shown &lt;b&gt;safely&lt;/b&gt;" in response.content
    assert b"<textarea" in client.get(EVENTS, headers={"accept": "text/html"}).content


@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_constraint_that_only_the_database_checks_is_not_named(method: str) -> None:
    path = "/api/v1/events"
    if method == "patch":
        path += f"/{EventFactory.create().pk}"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_event ADD CONSTRAINT secret CHECK (name <> 'Refused')")
    client = Client(raise_request_exception=False)
    body = {
        "name": "Refused",
        "max_seats": 1,
        "booking_start_at": "2026-02-20T10:00:00Z",
        "booking_end_at": "2026-02-25T10:00:00Z",
    }

    response = getattr(client, method)(path, body, content_type="application/json")

    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "secret" not in response.content.decode()
