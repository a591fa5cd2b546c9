"""`make demo-sale`: a crowd books one event, slowly enough to watch on its live page."""

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from devstack.environment import with_dotenv
from devstack.services import Json, done, require_services, service_urls, told, when_arrived

GUESTS = 300
SEATS = 180
WAITLIST = 50
SECONDS = 60.0
LINE_SECONDS = 3.0
NAMES = ("anong", "chai", "dao", "fah", "kanya", "lek", "malee", "nok", "prasert", "somchai")


@dataclass
class Outcomes:
    """What the guests were told. `refused` is by the code of the refusal."""

    confirmed: set[int] = field(default_factory=set)
    waitlisted: set[int] = field(default_factory=set)
    cancelled: set[int] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)


class Crowd:
    """`seconds` is how long it takes, from the opening on."""

    def __init__(self, url: str, event: Json, *, seconds: float, http: httpx.AsyncClient) -> None:
        self._event_url = f"{url}/api/v1/events/{event['id']}"
        self._bookings_url = f"{url}/api/v1/bookings"
        self._seconds = seconds
        self._http = http
        self.outcomes = Outcomes()

    async def come(self) -> None:
        # Of this sale only, so that it can be run again with the same event.
        sale = int(time.time())
        async with asyncio.TaskGroup() as guests:
            for number in range(GUESTS):
                name = f"{random.choice(NAMES)}.{number}.{sale}@example.com"  # noqa: S311 (a demo)
                guests.create_task(self._visit(name))

    async def _visit(self, guest: str) -> None:
        chance = random.Random(guest)  # noqa: S311
        # Most come at the opening.
        await self._later(chance.betavariate(1.1, 3))
        booking = await self._book(guest)
        if chance.random() < 0.1:
            await self._book(guest)  # one click too many
        if booking is not None and chance.random() < 0.2:
            await self._later(chance.uniform(0.1, 0.4))
            await self._cancel(booking)

    async def _later(self, part: float) -> None:
        await asyncio.sleep(part * self._seconds)

    async def _book(self, guest: str) -> int | None:
        """The booking's id; None if it was refused."""
        response = await self._http.post(f"{self._event_url}/bookings", json={"user_id": guest})
        if response.is_server_error or response.status_code == 401:
            done(response)
        answer = response.json()
        if not response.is_success:
            self.outcomes.refused[answer["code"]] += 1
            return None
        number: int = answer["id"]
        (
            self.outcomes.confirmed if answer["status"] == "confirmed" else self.outcomes.waitlisted
        ).add(number)
        return number

    async def _cancel(self, booking: int) -> None:
        done(await self._http.delete(f"{self._bookings_url}/{booking}"))
        self.outcomes.cancelled.add(booking)

    async def status(self) -> Json:
        return done(await self._http.get(f"{self._event_url}/status"))

    async def moved_up(self) -> int:
        """How many of those who were told to wait have a seat now."""
        count = 0
        for booking in self.outcomes.waitlisted - self.outcomes.cancelled:
            found = done(await self._http.get(f"{self._bookings_url}/{booking}"))
            count += found["status"] == "confirmed"
        return count


async def _sale(event: Json, booking_url: str, *, seconds: float) -> bool:
    """Whether the crowd's answers and the event agree at the end."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        crowd = Crowd(booking_url, event, seconds=seconds, http=http)
        opens = datetime.fromisoformat(event["booking_start_at"])
        await asyncio.sleep((opens - datetime.now(UTC)).total_seconds())
        began = time.monotonic()
        coming = asyncio.create_task(crowd.come())
        while not coming.done():
            await asyncio.wait([coming], timeout=min(LINE_SECONDS, seconds / 4))
            print(
                f"{time.monotonic() - began:5.0f} s  {_line(await crowd.status(), crowd)}",
                flush=True,
            )
        try:
            await coming
        except ExceptionGroup as failures:  # the first one says enough
            raise failures.exceptions[0] from None
        return _summary(event, await crowd.status(), crowd.outcomes, await crowd.moved_up())


def _line(status: Json, crowd: Crowd) -> str:
    outcomes = crowd.outcomes
    return (
        f"{status['confirmed_count']:4} of {status['max_seats']} seats taken, "
        f"{status['waitlisted_count']:3} waiting, {len(outcomes.cancelled):3} cancelled, "
        f"{outcomes.refused.total():3} refused"
    )


def _summary(before: Json, after: Json, outcomes: Outcomes, moved_up: int) -> bool:
    booked = len(outcomes.confirmed | outcomes.waitlisted)
    print(
        f"\n{booked} of {GUESTS} guests booked: {len(outcomes.confirmed)} got a seat at once, "
        f"{len(outcomes.waitlisted)} waited in line."
    )
    print(
        f"{len(outcomes.cancelled)} cancelled, and {moved_up} moved up and still have their seat."
    )
    for code, count in outcomes.refused.most_common():
        print(f"{count} were refused: {code}")
    taken, seats = after["confirmed_count"], after["max_seats"]
    more = _active(after) - _active(before)
    agrees: bool = booked - len(outcomes.cancelled) == more and taken <= seats
    print(
        f"At the end {taken} of {seats} seats are taken and "
        f"{after['waitlisted_count']} wait{'' if agrees else ', which is not what they heard'}."
    )
    return agrees


def _active(status: Json) -> int:
    number: int = status["confirmed_count"] + status["waitlisted_count"]
    return number


def _new_event(http: httpx.Client, event_url: str, *, opens_in: float) -> Json:
    now = datetime.now(UTC)
    body = {
        "name": f"Night Market Live · {now:%H:%M:%S}",
        "description": "A **demo sale**: 300 guests, 180 seats.",
        "venue": "Lido Connect, Bangkok",
        "max_seats": SEATS,
        "waitlist_limit": WAITLIST,
        "price": 890,
        "booking_start_at": (now + timedelta(seconds=opens_in)).isoformat(),
        "booking_end_at": (now + timedelta(hours=6)).isoformat(),
        "starts_at": (now + timedelta(days=14)).isoformat(),
        "time_zone": "Asia/Bangkok",
        "currency": "THB",
    }
    return done(http.post(f"{event_url}/api/v1/events", json=body))


def _run(options: argparse.Namespace) -> int:
    event_url, booking_url = service_urls(with_dotenv(os.environ))
    with httpx.Client(timeout=30, trust_env=False) as http:
        require_services(http, event_url, booking_url)
        number = options.event
        if number is None:
            number = _new_event(http, event_url, opens_in=options.seconds / 6)["id"]
        event = when_arrived(http, f"{booking_url}/api/v1/events/{number}/status")
    print(f"{GUESTS} guests want {event['max_seats']} seats of “{event['name']}”. Watch them at")
    print(f"\n    {booking_url}/events/{event['id']}/live\n", flush=True)
    return 0 if asyncio.run(_sale(event, booking_url, seconds=options.seconds)) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo-sale", description=__doc__)
    parser.add_argument("--event", type=int, metavar="ID", help="not a new one, but this")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the crowd takes")
    options = parser.parse_args()
    return told("demo-sale", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
