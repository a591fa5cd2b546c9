"""What clients booked during a fault, and the responses they got."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from tests.support.end_to_end.clients import EVENTS, open_client
from tests.support.faults.load import UnderWay, load
from tests.support.faults.system import FaultySystem
from tests.support.faults.told import verify_bookings
from tests.support.faults.trial import Trial


class Bookings:
    """Used by any number of threads. `others` may or may not have taken place."""

    def __init__(self, system: FaultySystem, trial: Trial) -> None:
        self._system = system
        self._trial = trial
        self._client = open_client(system.booking_url)
        self.acknowledged: list[int] = []
        self.others: Counter[str] = Counter()
        self.under_way = UnderWay()

    def close(self) -> None:
        self._client.close()

    def book(self) -> None:
        """Books one of the acknowledged events for a new user, if there is one."""
        if not self._trial.ledger.acknowledged:
            return
        event = random.choice(self._trial.ledger.acknowledged)
        user = {"user_id": f"user-{random.getrandbits(64)}"}
        try:
            response = self._client.post(f"{EVENTS}/{event.id}/bookings", json=user)
        except httpx.TransportError as error:
            self.others[type(error).__name__] += 1
            return
        if response.status_code == 201:
            self.acknowledged.append(response.json()["id"])
        else:
            self.others[str(response.status_code)] += 1

    def verify(self) -> None:
        """All acknowledged bookings exist, and no event counts others."""
        assert self.acknowledged, "nobody could book"
        with psycopg.connect(self._system.databases.booking_url) as connection:
            rows = connection.execute("SELECT id FROM bookings_booking")
            stored = {number for (number,) in rows}
        assert stored >= set(self.acknowledged)
        verify_bookings(self._system.booking.environ)


@contextmanager
def bookings(system: FaultySystem, trial: Trial, *, per_second: float) -> Iterator[Bookings]:
    """Booked in the background until the block ends."""
    booked = Bookings(system, trial)
    try:
        with load(booked.book, per_second=per_second) as booked.under_way:
            yield booked
    finally:
        booked.close()
