"""Hundreds of clients that book, cancel and create events through the balancers, and keep every
answer."""

import asyncio
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.end_to_end.clients import BOOKINGS, EVENTS, Json, event_input
from tests.support.faults.copies import EventRow, parse_event
from tests.support.faults.told import Booked, Told

CLIENTS = 200
# Longer than any wait within the services.
ANSWER_SECONDS = 15
PAUSE_SECONDS = 2.0
ATTEMPTS = 4
CANCEL_SHARE = 0.1

BOOK, CANCEL, CREATE = "book", "cancel", "create"


@dataclass(frozen=True)
class Answer:
    """`outcome` is the status, or the name of the error if there was no answer. Times are of the
    monotonic clock. `subject` is the user, the booking or the event's name."""

    kind: str
    subject: str
    event: int
    edge: int
    sent: float
    ended: float
    outcome: str
    booking: int | None = None
    status: str | None = None


class Crowd:
    """`edges` are the URLs of the event and the booking service at each balancer. A client that
    gets no answer goes on at another one, as it would with several addresses in DNS."""

    def __init__(
        self, edges: Sequence[tuple[str, str]], *, large: Sequence[int], small: Sequence[int]
    ) -> None:
        """Large events have seats for all, small ones sell out."""
        self.answers: list[Answer] = []
        self.attempted: dict[str, int] = {}
        self.told = Told()
        self.events: list[EventRow] = []
        self._edges = edges
        self._large = list(large)
        self._small = list(small)
        self._run = f"{random.getrandbits(32):08x}"
        self._numbers = itertools.count(1)
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, name="crowd")

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        if self._failure is not None and error[0] is None:
            raise self._failure

    def successes(self, kind: str, *, since: float = 0) -> list[float]:
        """When bookings or events were acknowledged."""
        return [
            answer.ended
            for answer in list(self.answers)
            if answer.kind == kind and answer.outcome == "201" and answer.ended >= since
        ]

    def outcomes(self) -> Counter[str]:
        return Counter(f"{answer.kind} {answer.outcome}" for answer in list(self.answers))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            for answer in self.answers:
                file.write(json.dumps(asdict(answer)) + "\n")

    def _live(self) -> None:
        try:
            asyncio.run(self._everybody())
        except BaseException as error:
            self._failure = error

    async def _everybody(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(
            timeout=ANSWER_SECONDS, trust_env=False, limits=limits
        ) as self._http:
            guests: list[Coroutine[Any, Any, None]] = [self._guest(n) for n in range(CLIENTS)]
            await asyncio.gather(*guests, self._organiser(0), self._organiser(1))

    async def _guest(self, number: int) -> None:
        rng = random.Random(number)
        mine: list[int] = []
        edge = number % len(self._edges)
        while await self._goes_on(rng.uniform(0, 2 * PAUSE_SECONDS)):
            if mine and rng.random() < CANCEL_SHARE:
                booking = mine.pop(rng.randrange(len(mine)))
                self.told.cancels_attempted.add(booking)
                answer, edge = await self._persist(
                    CANCEL, str(booking), 0, edge, "DELETE", f"{BOOKINGS}/{booking}", None, None
                )
                # A second attempt finds what the first one, which was not answered, has done.
                if answer in ("200", "400"):
                    self.told.cancelled.add(booking)
                continue
            event = rng.choice(self._large if rng.random() < 0.6 else self._small[-4:])
            user = f"{self._run}-{next(self._numbers)}"
            self.attempted[user] = event
            answer, edge = await self._persist(
                BOOK,
                user,
                event,
                edge,
                "POST",
                f"{EVENTS}/{event}/bookings",
                {"user_id": user},
                user,
            )
            if answer == "201":
                mine.append(self.told.booked[user].id)

    async def _organiser(self, edge: int) -> None:
        while await self._goes_on(random.uniform(0.4, 0.8)):
            name = f"{self._run}-{next(self._numbers)}"
            body = event_input(name=name, max_seats=40, waitlist_limit=10)
            _, edge = await self._persist(CREATE, name, 0, edge, "POST", EVENTS, body, name)

    async def _goes_on(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return not self._done.is_set()

    async def _persist(
        self,
        kind: str,
        subject: str,
        event: int,
        edge: int,
        method: str,
        path: str,
        body: Json | None,
        key: str | None,
    ) -> tuple[str, int]:
        """The last outcome, and the edge that gave it. What failed is tried again with its key."""
        outcome = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.3 * attempt)
            sent = time.monotonic()
            booking = status = None
            try:
                response = await self._http.request(
                    method,
                    self._edges[edge][kind != CREATE] + path,
                    json=body,
                    headers={"Idempotency-Key": key} if key else None,
                )
                outcome = str(response.status_code)
                if response.status_code == 201 and kind == BOOK:
                    booking, status = response.json()["id"], response.json()["status"]
                    self.told.booked[subject] = Booked(booking, event, status)
                if response.status_code == 201 and kind == CREATE:
                    created = parse_event(response.json())
                    self.events.append(created)
                    self._small.append(created.id)
            except httpx.TransportError as error:
                outcome = type(error).__name__
            self.answers.append(
                Answer(kind, subject, event, edge, sent, time.monotonic(), outcome, booking, status)
            )
            if outcome.isdigit() and outcome not in ("502", "503", "504"):
                break
            if not outcome.isdigit():
                edge = (edge + 1) % len(self._edges)
        return outcome, edge
