"""`make demo`: one small sale from start to end against the running services."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from devstack.environment import with_dotenv
from devstack.services import require_services, service_urls, told

ARRIVAL_SECONDS = 60


Describe = Callable[[httpx.Response], str]


@dataclass(frozen=True)
class Step:
    title: str
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        return self.expected == self.got


class Demo:
    """Calls the services, prints every call, and records the result of each step."""

    def __init__(self, event_url: str, booking_url: str, http: httpx.Client) -> None:
        self._event_url = event_url
        self._booking_url = f"{booking_url}/api/v1"
        self._http = http
        self._steps: list[Step] = []
        require_services(http, event_url, booking_url)

    def run(self) -> bool:
        """Whether everything went as expected."""
        event = self._create_event()
        status = f"{self._booking_url}/events/{event}/status"
        bookings = f"{self._booking_url}/events/{event}/bookings"

        self._wait_for(status)
        self._get("It is known to the booking service", status, _counts, "200 0+0, 2 free")
        ann = self._book("Ann books", bookings, "ann", "201 confirmed")
        self._book("Ann books again", bookings, "ann", "409 already_booked")
        self._book("Bob takes the last seat", bookings, "bob", "201 confirmed")
        cid = self._book("Cid has to wait in line", bookings, "cid", "201 waitlisted #1")
        self._book("Dan is one too many", bookings, "dan", "409 fully_booked")
        self._get("The event is full", status, _counts, "200 2+1, 0 free")
        self._cancel("Ann cancels", ann, "200 cancelled")
        cids_booking = f"{self._booking_url}/bookings/{cid}"
        self._get("Cid has moved up", cids_booking, _booking, "200 confirmed")
        self._cancel("Ann cancels a second time", ann, "400 already_cancelled")
        self._get("The event is full again", status, _counts, "200 2+0, 0 free")
        self._get("Who has a seat", f"{bookings}?status=confirmed", _users, "200 bob, cid")

        self._print_summary()
        return all(step.ok for step in self._steps)

    def _create_event(self) -> int:
        now = datetime.now(UTC).replace(microsecond=0)
        body = {
            "name": f"Workshop of {now:%H:%M:%S}",
            "max_seats": 2,
            "waitlist_limit": 1,
            "price": 2500,
            "booking_start_at": (now - timedelta(hours=1)).isoformat(),
            "booking_end_at": (now + timedelta(hours=1)).isoformat(),
        }
        title = "An event with 2 seats, 1 place in line"
        url = f"{self._event_url}/api/v1/events"
        return _id(self._step(title, "POST", url, _created, "201 created", body))

    def _wait_for(self, url: str) -> None:
        """Wait for the event's message to get from one service to the other."""
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while self._http.get(url).status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.05)

    def _get(self, title: str, url: str, describe: Describe, expected: str) -> None:
        self._step(title, "GET", url, describe, expected)

    def _book(self, title: str, url: str, user: str, expected: str) -> int:
        return _id(self._step(title, "POST", url, _booking, expected, {"user_id": user}))

    def _cancel(self, title: str, booking_id: int, expected: str) -> None:
        url = f"{self._booking_url}/bookings/{booking_id}"
        self._step(title, "DELETE", url, _booking, expected)

    def _step(
        self,
        title: str,
        method: str,
        url: str,
        describe: Describe,
        expected: str,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        print(f"\n{len(self._steps) + 1}. {title}\n   {method} {url}")
        if body is not None:
            print(f"   {json.dumps(body, separators=(',', ':'))}")
        response = self._http.request(method, url, json=body)
        print(f"   -> {response.status_code} {response.text}")
        outcome = describe(response) if response.is_success else _object(response).get("code", "")
        self._steps.append(Step(title, expected, f"{response.status_code} {outcome}"))
        return response

    def _print_summary(self) -> None:
        rows = [("", "step", "expected", "got", "ok")]
        rows += [
            (str(number), step.title, step.expected, step.got, "yes" if step.ok else "NO")
            for number, step in enumerate(self._steps, start=1)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                [row[0].rjust(widths[0]), *map(str.ljust, row[1:], widths[1:])],
            ).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        good = sum(step.ok for step in self._steps)
        print("", *lines, sep="\n")
        print("\n2+1, 0 free: 2 confirmed, 1 waitlisted, no seat available")
        print(f"{good} of {len(self._steps)} steps as expected")


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _id(response: httpx.Response) -> int:
    """0 after a refusal."""
    number: int = _object(response).get("id", 0)
    return number


def _created(response: httpx.Response) -> str:
    return "created"


def _booking(response: httpx.Response) -> str:
    booking = _object(response)
    place = f" #{booking['waitlist_order']}" if "waitlist_order" in booking else ""
    return f"{booking.get('status')}{place}"


def _counts(response: httpx.Response) -> str:
    status = _object(response)
    taken = f"{status.get('confirmed_count')}+{status.get('waitlisted_count')}"
    return f"{taken}, {status.get('seats_available')} free"


def _users(response: httpx.Response) -> str:
    return ", ".join(booking["user_id"] for booking in response.json())


def _run() -> int:
    with httpx.Client(timeout=30, trust_env=False) as http:
        return 0 if Demo(*service_urls(with_dotenv(os.environ)), http).run() else 1


if __name__ == "__main__":
    sys.exit(told("demo", _run))
