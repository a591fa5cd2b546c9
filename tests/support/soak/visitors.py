"""A hundred clients that keep their connections to nginx, do all that can be done at both APIs, and
keep every answer. Each has its own address, so that nginx's limits are as for a crowd."""

import asyncio
import itertools
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.deploy.nginx import BOOKINGS_HOST, EVENTS_HOST, Nginx
from tests.support.end_to_end.clients import BOOKINGS, EVENTS, event_input
from tests.support.end_to_end.kept_connection import KeptConnection
from tests.support.faults.copies import EventRow, parse_event
from tests.support.faults.told import Booked, Told

CLIENTS = 100
SEATS, MORE_SEATS, PLACES = 100, 120, 20
# So many events are booked at a time; a new one takes the place of the oldest.
ON_SALE = 20

BOOK, STATUS, LIST, CANCEL, EDIT, CREATE = "book", "status", "list", "cancel", "edit", "create"
MIX = {BOOK: 500, STATUS: 250, LIST: 100, CANCEL: 100, EDIT: 48, CREATE: 2}
EVENT_SERVICE = {EDIT, CREATE}
_EXPECTED = {
    BOOK: {(201, ""), (409, "fully_booked")},
    STATUS: {(200, "")},
    LIST: {(200, "")},
    CANCEL: {(200, "")},
    EDIT: {(200, "")},
    CREATE: {(201, "")},
}


@dataclass(frozen=True, slots=True)
class Request:
    """`status` is 0 if there was no answer; `outcome` is a problem's code, or the error then. Times
    are of the monotonic clock."""

    kind: str
    sent: float
    ended: float
    status: int
    outcome: str = ""

    @property
    def seconds(self) -> float:
        return self.ended - self.sent

    @property
    def is_expected(self) -> bool:
        return (self.status, self.outcome) in _EXPECTED[self.kind]


class Visitors:
    def __init__(self, nginx: Nginx) -> None:
        self.requests: list[Request] = []
        self.told = Told()
        self.events: list[EventRow] = []
        self._nginx = nginx
        self._tls = ssl.create_default_context(cafile=str(nginx.certificate))
        self._on_sale: deque[int] = deque(maxlen=ON_SALE)
        # Created, and perhaps not yet known to the booking service.
        self._announced: deque[int] = deque()
        self._run = f"{random.getrandbits(32):08x}"
        self._numbers = itertools.count(1)
        self._rate: float | None = None
        self._done = threading.Event()
        self._errors: list[BaseException] = []

    def begin_sale(self, events: list[int]) -> None:
        """Both services know them."""
        self._on_sale.extend(events)

    @contextmanager
    def coming(self, *, rate: float | None) -> Iterator[None]:
        """So many requests a second until the block ends, or as many as are answered. Those that
        could not be sent in time, because all clients were waiting, are left out. Then raises what
        went wrong in a client itself."""
        self._rate = rate
        self._done.clear()
        thread = threading.Thread(target=self._live, name="visitors")
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _live(self) -> None:
        try:
            asyncio.run(self._everybody())
        except BaseException as error:
            self._errors.append(error)

    async def _everybody(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._visitor(number))

    async def _visitor(self, number: int) -> None:
        address = f"127.0.1.{number + 1}"
        connections = {
            host: KeptConnection(
                port=self._nginx.tls_port, host=host, tls=self._tls, address=address
            )
            for host in (EVENTS_HOST, BOOKINGS_HOST)
        }
        mine: list[int] = []
        period = CLIENTS / self._rate if self._rate else 0.0
        due = time.monotonic() + random.uniform(0, period)
        while not self._done.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            (kind,) = random.choices(list(MIX), MIX.values())
            host = EVENTS_HOST if kind in EVENT_SERVICE else BOOKINGS_HOST
            await self._act(kind, connections[host], mine)
            due = max(due, time.monotonic() - period) + period
        for connection in connections.values():
            await connection.close()

    async def _act(self, kind: str, connection: KeptConnection, mine: list[int]) -> None:
        if kind == CANCEL and not mine:
            kind = STATUS
        event = random.choice(self._on_sale)
        match kind:
            case "book":
                await self._book(connection, event, mine)
            case "status" if self._announced:
                await self._look_for(connection, self._announced[0])
            case "status":
                await self._ask(kind, connection, "GET", f"{EVENTS}/{event}/status")
            case "list":
                await self._ask(kind, connection, "GET", f"{EVENTS}/{event}/bookings?limit=50")
            case "cancel":
                await self._cancel(connection, mine.pop(random.randrange(len(mine))))
            case "edit":
                changes = {"name": f"Edited {next(self._numbers)}", "max_seats": MORE_SEATS}
                body = await self._ask(kind, connection, "PATCH", f"{EVENTS}/{event}", changes)
                if body is not None:
                    self.events.append(parse_event(body))
            case "create":
                body = await self._ask(kind, connection, "POST", EVENTS, new_event())
                if body is not None:
                    self.events.append(parse_event(body))
                    self._announced.append(body["id"])

    async def _book(self, connection: KeptConnection, event: int, mine: list[int]) -> None:
        user = f"{self._run}-{next(self._numbers)}"
        path = f"{EVENTS}/{event}/bookings"
        body = await self._ask(BOOK, connection, "POST", path, {"user_id": user})
        if body is not None:
            self.told.booked[user] = Booked(body["id"], event, body["status"])
            mine.append(body["id"])

    async def _cancel(self, connection: KeptConnection, booking: int) -> None:
        self.told.cancels_attempted.add(booking)
        body = await self._ask(CANCEL, connection, "DELETE", f"{BOOKINGS}/{booking}")
        if body is not None:
            self.told.cancelled.add(booking)

    async def _look_for(self, connection: KeptConnection, event: int) -> None:
        path = f"{EVENTS}/{event}/status"
        if await self._ask(STATUS, connection, "GET", path, may_lack=True) is None:
            return
        if event in self._announced:
            self._announced.remove(event)
            self._on_sale.append(event)

    async def _ask(
        self,
        kind: str,
        connection: KeptConnection,
        method: str,
        path: str,
        body: object = None,
        *,
        may_lack: bool = False,
    ) -> Any:
        """What was answered with success, or None."""
        sent = time.monotonic()
        status, outcome, told = 0, "", None
        try:
            answer = await connection.ask(method, path, body)
            status = answer.status
            if 200 <= status < 300:
                told = answer.json()
            else:
                outcome = answer.json().get("code", "")
        except (OSError, asyncio.IncompleteReadError) as error:
            outcome = repr(error)
        if may_lack and outcome == "event_not_found":
            status, outcome = 200, ""
        self.requests.append(Request(kind, sent, time.monotonic(), status, outcome))
        return told


def new_event() -> dict[str, Any]:
    return event_input(name="Soak", max_seats=SEATS, waitlist_limit=PLACES)
