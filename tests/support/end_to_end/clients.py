"""The two services as their clients see them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from tests.support.waiting import PATIENCE_SECONDS, until

EVENTS = "/api/v1/events"
BOOKINGS = "/api/v1/bookings"
Json = dict[str, Any]
T = TypeVar("T")
A = TypeVar("A")


def open_client(url: str) -> httpx.Client:
    limits = httpx.Limits(max_connections=100)
    return httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False, limits=limits)


def from_now(**distance: float) -> str:
    return (datetime.now(UTC) + timedelta(**distance)).isoformat()


def event_input(**changes: Any) -> Json:
    """An event that can be booked now."""
    return {
        "name": "Golang Workshop Bangkok",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500,
        "booking_start_at": from_now(hours=-1),
        "booking_end_at": from_now(hours=1),
        **changes,
    }


class Sale:
    """Both services, with the calls that most tests need."""

    def __init__(self, event_url: str, booking_url: str) -> None:
        self.events = open_client(event_url)
        self.bookings = open_client(booking_url)

    def close(self) -> None:
        self.events.close()
        self.bookings.close()

    def create_event(self, **changes: Any) -> int:
        """Creates an event and waits until it can be booked."""
        response = self.events.post(EVENTS, json=event_input(**changes))
        assert response.status_code == 201, response.text
        event_id: int = response.json()["id"]
        self.wait_for(event_id)
        return event_id

    def wait_for(self, event_id: int) -> None:
        until(lambda: self.has(event_id), f"event {event_id} in the booking service")

    def has(self, event_id: int) -> bool:
        return self.bookings.get(f"{EVENTS}/{event_id}/status").status_code == 200

    def book(self, event_id: int, user_id: str) -> httpx.Response:
        return self.bookings.post(f"{EVENTS}/{event_id}/bookings", json={"user_id": user_id})

    def booked(self, event_id: int, user_id: str) -> Json:
        response = self.book(event_id, user_id)
        assert response.status_code == 201, response.text
        booking: Json = response.json()
        return booking

    def cancel(self, booking_id: int) -> httpx.Response:
        return self.bookings.delete(f"{BOOKINGS}/{booking_id}")

    def booking(self, booking_id: int) -> Json:
        response = self.bookings.get(f"{BOOKINGS}/{booking_id}")
        assert response.status_code == 200, response.text
        booking: Json = response.json()
        return booking

    def list(self, event_id: int, **query: str) -> list[Json]:
        response = self.bookings.get(f"{EVENTS}/{event_id}/bookings", params=query)
        assert response.status_code == 200, response.text
        found: list[Json] = response.json()
        return found

    def status(self, event_id: int) -> Json:
        response = self.bookings.get(f"{EVENTS}/{event_id}/status")
        assert response.status_code == 200, response.text
        status: Json = response.json()
        return status

    def counts(self, event_id: int) -> tuple[int, int, int]:
        """Confirmed, waitlisted, available."""
        status = self.status(event_id)
        return status["confirmed_count"], status["waitlisted_count"], status["seats_available"]


def all_at_once(action: Callable[[A], T], arguments: Sequence[A]) -> list[T]:
    """One thread for each argument, started together."""
    start = threading.Barrier(len(arguments))

    def run(argument: A) -> T:
        start.wait(PATIENCE_SECONDS)
        return action(argument)

    with ThreadPoolExecutor(max_workers=len(arguments)) as pool:
        return [
            future.result(2 * PATIENCE_SECONDS)
            for future in [pool.submit(run, each) for each in arguments]
        ]


def assert_problem(
    response: httpx.Response, status: int, *, code: str | None = None, message: str | None = None
) -> Json:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: Json = response.json()
    optional = {"errors", "request_id"}
    assert set(problem) - optional == {"type", "title", "status", "detail", "code", "message"}
    # gunicorn's own refusals have none.
    assert problem.get("request_id") == response.headers.get("X-Request-ID")
    assert problem["status"] == status
    assert problem["message"] == problem["detail"]
    if code is not None:
        assert problem["code"] == code
    if message is not None:
        assert problem["message"] == message
    return problem
