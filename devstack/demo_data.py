"""`make demo-data`: a season of events, made through the API as an organiser would.

Events that exist by name are only completed, so running it again doubles nothing.
"""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx

from devstack.environment import with_dotenv
from devstack.season import SEASON, Planned
from devstack.services import (
    Json,
    done,
    require_services,
    service_urls,
    told,
    when_arrived,
)

AT_ONCE = 16
NAMES = (
    *("anong", "arthit", "busaba", "chai", "chanida", "dao", "fah", "kanya", "kiet", "lek"),
    *("malee", "mook", "narong", "nok", "pim", "ploy", "prasert", "somchai", "tida", "wichai"),
)


class Season:
    def __init__(self, event_url: str, booking_url: str, http: httpx.Client) -> None:
        self._events_url = f"{event_url}/api/v1/events"
        self._copies_url = f"{booking_url}/api/v1/events"
        self._live_url = f"{booking_url}/events"
        self._http = http
        self._now = datetime.now(UTC).replace(second=0, microsecond=0)

    def arrange(self) -> None:
        known = {event["name"]: event for event in self._all_events()}
        for planned in SEASON:
            event = known.get(planned.name)
            what = "completed" if event else "created"
            event = event or self._create(planned)
            if planned.opens_again:
                event = self._change(event, planned.window(self._now))
            self._fill(event, planned)
            self._finish(event, planned)
            print(f"{event['id']:4}  {what:9}  {planned.name}", flush=True)

    def _all_events(self) -> Iterator[Json]:
        url: str | None = f"{self._events_url}?limit=1000"
        while url is not None:
            response = self._http.get(url)
            yield from done(response)  # type: ignore[misc]  # a list
            following = response.links.get("next")
            url = str(response.url.join(following["url"])) if following else None

    def _create(self, planned: Planned) -> Json:
        body = {**planned.fields(self._now), **planned.window(self._now)}
        return done(self._http.post(self._events_url, json=body))

    def _change(self, event: Json, changes: Json) -> Json:
        return done(self._http.patch(f"{self._events_url}/{event['id']}", json=changes))

    def _fill(self, event: Json, planned: Planned) -> None:
        """Book until as many guests have a place as planned. Over an ended or cancelled event
        nothing more is to be done."""
        status = when_arrived(self._http, f"{self._copies_url}/{event['id']}/status")
        booked = status["confirmed_count"] + status["waitlisted_count"]
        over = datetime.fromisoformat(status["booking_end_at"]) < datetime.now(UTC)
        if booked >= planned.guests or over or status["cancelled_at"]:
            return
        url = f"{self._copies_url}/{event['id']}/bookings"
        with ThreadPoolExecutor(AT_ONCE) as guests:
            answers = guests.map(lambda guest: self._book(url, guest), _guests(planned.guests))
            for answer in answers:
                if answer.status_code != 409:
                    done(answer)

    def _book(self, url: str, guest: str) -> httpx.Response:
        return self._http.post(url, json={"user_id": guest})

    def _finish(self, event: Json, planned: Planned) -> None:
        if planned.cancelled and not event["cancelled_at"]:
            done(self._http.post(f"{self._events_url}/{event['id']}/cancel"))
        ended = planned.ended(self._now)
        if ended and datetime.fromisoformat(event["booking_end_at"]) > self._now:
            self._change(event, ended)


def _guests(count: int) -> Iterator[str]:
    for number in range(count):
        turn, name = divmod(number, len(NAMES))
        yield f"{NAMES[name]}{turn + 1 if turn else ''}@example.com"


def _run() -> int:
    urls = service_urls(with_dotenv(os.environ))
    began = time.monotonic()
    with httpx.Client(timeout=30, trust_env=False) as http:
        require_services(http, *urls)
        Season(*urls, http).arrange()
    print(f"\n{len(SEASON)} events are there after {time.monotonic() - began:.0f} s: {urls[1]}/")
    return 0


if __name__ == "__main__":
    sys.exit(told("demo-data", _run))
