"""With the id of one request, a reader finds what it caused in the logs of both services."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support.end_to_end.clients import EVENTS, event_input, open_client
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.system import OwnProcesses
from tests.support.waiting import until

JSON = {"LOG_FORMAT": "json"}


class Services:
    """Both APIs, the consumer and the notifier, with logs that programs read."""

    def __init__(self, own: OwnProcesses, stack: ExitStack) -> None:
        urls = {
            service: stack.enter_context(
                own.another_service(service, f"{service}-in-all-logs", **JSON)
            )
            for service in ("event", "booking")
        }
        self._parts = dict(zip(urls, own.extra[-2:], strict=True))
        for regular in (own.consumer, own.notifier):
            stack.enter_context(own.stopped(regular))
        for command in ("consume_events", "notify_bookings"):
            part = Part(
                f"{command}-in-all-logs",
                ["manage_booking.py", command],
                {**own.environ, **JSON},
                own.folder,
            )
            stack.enter_context(own.running(part))
            self._parts[command] = part
        self.events, self.bookings = (open_client(url) for url in urls.values())
        stack.callback(self.events.close)
        stack.callback(self.bookings.close)

    def messages(self, request_id: str) -> dict[str, list[str]]:
        """What each part logged for that request."""
        return {
            name: [
                f"{line['method']} {line['path']}" if "path" in line else line["message"]
                for line in map(json.loads, part.text().splitlines())
                if line.get("request_id") == request_id
            ]
            for name, part in self._parts.items()
        }

    def wait_for(self, part: str, request_id: str, count: int) -> None:
        until(
            lambda: len(self.messages(request_id)[part]) >= count,
            f"lines of {part} with {request_id}",
        )


@pytest.fixture
def services(own: OwnProcesses) -> Iterator[Services]:
    with ExitStack() as stack:
        yield Services(own, stack)


def created(services: Services, request_id: str) -> int:
    response = services.events.post(
        EVENTS,
        json=event_input(name="One seat", max_seats=1),
        headers={"X-Request-ID": request_id},
    )
    event_id: int = succeeded(response)["id"]
    services.wait_for("consume_events", request_id, 1)
    return event_id


def booked(services: Services, event_id: int, user_id: str, request_id: str) -> int:
    response = services.bookings.post(
        f"{EVENTS}/{event_id}/bookings",
        json={"user_id": user_id},
        headers={"X-Request-ID": request_id},
    )
    booking_id: int = succeeded(response)["id"]
    return booking_id


def succeeded(response: httpx.Response) -> dict[str, int]:
    assert response.is_success, response.text
    body: dict[str, int] = response.json()
    return body


def test_an_event_and_a_mail_are_found_by_their_requests_in_every_log(services: Services) -> None:
    event_id = created(services, "creates-the-event")
    seated = booked(services, event_id, "ann", "books-the-seat")
    waiting = booked(services, event_id, "ben", "waits")
    path = f"/api/v1/bookings/{seated}"
    succeeded(services.bookings.delete(path, headers={"X-Request-ID": "gives-up-the-seat"}))
    services.wait_for("notify_bookings", "gives-up-the-seat", 2)
    services.wait_for("booking", "gives-up-the-seat", 1)

    assert services.messages("creates-the-event") == {
        "event": ["POST /api/v1/events"],
        "booking": [],
        "consume_events": [f"event {event_id} version 1 taken over"],
        "notify_bookings": [],
    }
    assert services.messages("gives-up-the-seat") == {
        "event": [],
        "booking": [f"DELETE {path}"],
        "consume_events": [],
        "notify_bookings": [f"booking {seated}: mail sent", f"booking {waiting}: mail sent"],
    }
    assert services.messages("waits")["booking"] == [f"POST {EVENTS}/{event_id}/bookings"]
