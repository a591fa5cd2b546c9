"""Requests as a client of the API would send them, and what every refusal must look like."""

import json
from typing import Any

from django.test import Client

EVENTS = "/api/v1/events"
VALID: dict[str, Any] = {
    "name": "Golang Workshop Bangkok",
    "max_seats": 50,
    "waitlist_limit": 5,
    "price": 2500,
    "booking_start_at": "2026-02-20T17:00:00+07:00",
    "booking_end_at": "2026-02-25T17:00:00+07:00",
}


def valid(**changes: Any) -> dict[str, Any]:
    return {**VALID, **changes}


def without(*fields: str) -> dict[str, Any]:
    return {field: value for field, value in VALID.items() if field not in fields}


def post(client: Client, body: bytes | dict[str, Any], **extra: Any) -> Any:
    """`body` is sent as it is where it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(EVENTS, data=raw, **{"content_type": "application/json", **extra})


def patch(client: Client, event_id: int, body: bytes | dict[str, Any], **extra: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    arguments = {"content_type": "application/json", **extra}
    return client.patch(f"{EVENTS}/{event_id}", data=raw, **arguments)


def cancel(client: Client, event_id: int, body: bytes = b"", **extra: Any) -> Any:
    arguments = {"content_type": "application/json", **extra}
    return client.post(f"{EVENTS}/{event_id}/cancel", data=body, **arguments)


def assert_problem(
    response: Any, status: int, *, code: str | None = None, message: str | None = None
) -> dict[str, Any]:
    """The response is a problem of RFC 9457 with our members. Returns it."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(response.content)
    optional = {"errors", "request_id"}
    assert set(found) - optional == {"type", "title", "status", "detail", "code", "message"}
    assert found.get("request_id") == response.headers.get("X-Request-ID")
    assert found["status"] == status
    assert all(
        isinstance(found[name], str) and found[name]
        for name in set(found) - {"status"} - {"errors"}
    )
    assert found["message"] == found["detail"]
    if code is not None:
        assert found["code"] == code
    if message is not None:
        assert found["message"] == message
    return found
