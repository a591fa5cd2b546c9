"""`PATCH /api/v1/events/{id}` and `POST /api/v1/events/{id}/cancel`."""

from typing import Any

import pytest
from django.test import Client

from event_project.events.models import Event
from event_project.events.services import event_update
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, VALID, assert_problem, cancel, patch, post
from tests.support.event.messages import announced, forget, last_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(client: Client) -> dict[str, Any]:
    created: dict[str, Any] = post(client, VALID).json()
    forget()
    return created


def stored(client: Client, event_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{EVENTS}/{event_id}").json()
    return found


@pytest.mark.parametrize(
    ("field", "sent", "returned"),
    [
        ("name", "  Renamed ", "Renamed"),
        ("max_seats", 51, 51),
        ("waitlist_limit", 0, 0),
        ("price", 0.5, 0.5),
        ("booking_start_at", "2026-02-21T17:00:00+07:00", "2026-02-21T10:00:00Z"),
        ("booking_end_at", "2026-02-26T17:00:00+07:00", "2026-02-26T10:00:00Z"),
        ("description", "Two *days*\r\nof Go", "Two *days*\nof Go"),
        ("venue", " BITEC, กรุงเทพฯ ", "BITEC, กรุงเทพฯ"),
        ("starts_at", "2026-03-07T09:00:00+07:00", "2026-03-07T02:00:00Z"),
        ("ends_at", "2026-03-07T09:00:00+07:00", "2026-03-07T02:00:00Z"),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("currency", "EUR", "EUR"),
        ("waiting_room_rate", 50, 50),
    ],
)
def test_each_field_can_be_changed_by_itself_and_is_announced(
    client: Client, event: dict[str, Any], field: str, sent: object, returned: object
) -> None:
    response = patch(client, event["id"], {field: sent})

    assert response.status_code == 200, response.content
    changed = response.json()
    assert changed == {
        **event,
        field: returned,
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > event["updated_at"]
    assert stored(client, event["id"]) == changed
    assert announced() == [("event.updated", event["id"], 2)]
    assert last_body() == changed


def test_changing_all_fields_at_once_is_one_change(client: Client, event: dict[str, Any]) -> None:
    wanted = {
        "name": "All new",
        "max_seats": 1,
        "waitlist_limit": 2,
        "price": 3,
        "booking_start_at": "2030-01-01T00:00:00Z",
        "booking_end_at": "2030-01-02T00:00:00Z",
    }

    changed = patch(client, event["id"], wanted).json()

    assert {field: changed[field] for field in wanted} == wanted
    assert announced() == [("event.updated", event["id"], 2)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param(VALID, id="what it is already"),
        pytest.param({"price": 2500.0}, id="the same price written otherwise"),
        pytest.param({"booking_start_at": "2026-02-20T10:00:00Z"}, id="the same time elsewhere"),
        pytest.param({"name": " Golang Workshop Bangkok "}, id="the same name with spaces"),
        pytest.param(
            {"id": 9, "version": 9, "cancelled_at": "2026-01-01T00:00:00Z", "x": None},
            id="members that nobody can change",
        ),
    ],
)
def test_a_patch_that_changes_nothing_is_200_and_no_change(
    client: Client, event: dict[str, Any], body: dict[str, Any]
) -> None:
    response = patch(client, event["id"], body)

    assert response.status_code == 200
    assert response.json() == event
    assert stored(client, event["id"]) == event
    assert announced() == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "name is required"),
        ("name", None, None),
        ("max_seats", 0, "max_seats must be greater than 0"),
        ("max_seats", None, None),
        ("max_seats", "50", None),
        ("waitlist_limit", -1, "waitlist_limit must not be negative"),
        ("waitlist_limit", None, None),
        ("price", -1, "price must not be negative"),
        ("price", None, None),
        ("booking_start_at", "2026-02-20T17:00:00", None),
        ("booking_start_at", None, None),
        ("booking_end_at", None, None),
    ],
)
def test_a_bad_value_is_refused_and_nothing_changed(
    client: Client, event: dict[str, Any], field: str, value: object, message: str | None
) -> None:
    response = patch(client, event["id"], {"waitlist_limit": 6, field: value})

    problem = assert_problem(response, 400, code="invalid_input", message=message)
    assert list(problem["errors"]) == [field]
    assert stored(client, event["id"]) == event
    assert announced() == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"booking_end_at": "2026-02-20T10:00:00Z"}, id="the end moved to the start"),
        pytest.param({"booking_start_at": "2026-02-26T10:00:00Z"}, id="the start behind the end"),
        pytest.param(
            {"booking_start_at": "2027-01-02T00:00:00Z", "booking_end_at": "2027-01-01T00:00:00Z"},
            id="both",
        ),
    ],
)
def test_a_window_that_would_end_too_early_is_refused_as_it_is_on_creation(
    client: Client, event: dict[str, Any], body: dict[str, Any]
) -> None:
    response = patch(client, event["id"], body)

    message = "booking_end_at must be after booking_start_at"
    problem = assert_problem(response, 400, code="invalid_input", message=message)
    assert problem["errors"] == {"booking_end_at": [message]}
    assert stored(client, event["id"]) == event
    assert announced() == []


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'{"name":"a","name":"b"}', b'{"price":NaN}', b"\xff"]
)
def test_a_body_that_is_not_a_strict_json_object_is_refused(
    client: Client, event: dict[str, Any], body: bytes
) -> None:
    assert_problem(patch(client, event["id"], body), 400)
    assert stored(client, event["id"]) == event


def test_a_patch_that_does_not_claim_to_be_json_is_415(
    client: Client, event: dict[str, Any]
) -> None:
    response = patch(client, event["id"], b"name=a", content_type="text/plain")

    assert_problem(response, 415, code="unsupported_media_type")


@pytest.mark.parametrize("event_id", [999_999, 2**63, 10**30])
def test_an_unknown_event_is_404(client: Client, event_id: int) -> None:
    for response in (patch(client, event_id, {"name": "a"}), cancel(client, event_id)):
        assert_problem(response, 404, code="event_not_found", message="event not found")


def test_a_cancelled_event_says_when_and_is_announced_as_cancelled(
    client: Client, event: dict[str, Any]
) -> None:
    response = cancel(client, event["id"])

    assert response.status_code == 200, response.content
    cancelled = response.json()
    assert cancelled == {
        **event,
        "version": 2,
        "updated_at": cancelled["updated_at"],
        "cancelled_at": cancelled["cancelled_at"],
    }
    assert event["updated_at"] < cancelled["cancelled_at"] <= cancelled["updated_at"]
    assert stored(client, event["id"]) == cancelled
    assert announced() == [("event.cancelled", event["id"], 2)]
    assert last_body() == cancelled


def test_a_second_cancel_changes_and_announces_nothing(
    client: Client, event: dict[str, Any]
) -> None:
    first = cancel(client, event["id"])

    second = cancel(client, event["id"])

    assert second.status_code == 200
    assert second.json() == first.json()
    assert second.headers["ETag"] == first.headers["ETag"] == '"2"'
    assert len(announced()) == 1


@pytest.mark.parametrize("body", [{"name": "Too late"}, {}])
def test_a_cancelled_event_stays_as_it_is(
    client: Client, event: dict[str, Any], body: dict[str, Any]
) -> None:
    cancelled = cancel(client, event["id"]).json()

    response = patch(client, event["id"], body)

    assert_problem(response, 409, code="event_cancelled", message="event is cancelled")
    assert stored(client, event["id"]) == cancelled
    assert len(announced()) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b'{"reason": "rain"}', "application/json"),
        (b"[1]", "application/json"),
        (b"", "application/octet-stream"),
    ],
)
def test_cancel_ignores_its_body(
    client: Client, event: dict[str, Any], body: bytes, content_type: str
) -> None:
    assert cancel(client, event["id"], body, content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"--x--", "multipart/form-data; boundary=x"),
        (b"", "Multipart/Form-Data; boundary=x"),
        (b"{}", "text/plain"),
        (b"", "text/plain;charset=UTF-8"),
        (b"{}", "application/octet-stream"),
        (b"{}", ""),
    ],
)
def test_cancel_refuses_what_a_form_of_another_site_can_send(
    client: Client, event: dict[str, Any], body: bytes, content_type: str
) -> None:
    # Django's client leaves out the type of an empty body; browsers don't.
    extra = {"content_type": content_type, "CONTENT_TYPE": content_type}
    response = cancel(client, event["id"], body, **extra)

    assert_problem(response, 415, code="unsupported_media_type")
    assert client.get(f"{EVENTS}/{event['id']}").json()["cancelled_at"] is None


def test_cancel_needs_no_body_and_no_content_type(client: Client, event: dict[str, Any]) -> None:
    response = client.generic("POST", f"{EVENTS}/{event['id']}/cancel", content_type="")

    assert response.status_code == 200


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a":1,"a":2}', b"[NaN]"])
def test_cancel_refuses_broken_json(client: Client, event: dict[str, Any], body: bytes) -> None:
    assert_problem(cancel(client, event["id"], body), 400)
    assert stored(client, event["id"]) == event


def test_a_new_event_was_created_and_last_changed_at_the_same_instant(
    event: dict[str, Any],
) -> None:
    assert event["created_at"] == event["updated_at"]


def test_an_unknown_field_is_refused_by_the_service() -> None:
    event = EventFactory.create()

    for changes in ({"version": 9}, {"cancelled_at": None}, {"nonsense": 1}):
        with pytest.raises(ValueError, match="cannot be changed"):
            event_update(event_id=event.pk, changes=changes)  # type: ignore[arg-type]

    assert Event.objects.get().version == 1
