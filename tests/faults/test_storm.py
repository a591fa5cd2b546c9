"""Everything that can be killed is, again and again, while clients create and edit and book."""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psutil
import psycopg

from tests.end_to_end.clients import EVENTS, open_client
from tests.end_to_end.processes import ROOT, Part
from tests.faults.load import load
from tests.faults.servers import BOOKING_DATABASE, BROKER, EVENT_DATABASE
from tests.faults.system import FaultySystem
from tests.faults.trial import Trial
from tests.shared.waiting import PATIENCE_SECONDS, until

SECONDS = float(os.environ.get("FAULT_SECONDS", "15"))
EVENTS_PER_SECOND = 50
BOOKINGS_PER_SECOND = 10
PAUSE_SECONDS = 1.5

Kill = Callable[[], None]


def kills(system: FaultySystem) -> list[Kill]:
    """Each of them once."""

    def restart(part: Part) -> Kill:
        def kill() -> None:
            part.kill()
            part.start()

        return kill

    def worker_of(part: Part) -> Kill:
        def kill() -> None:
            worker = random.choice(until(lambda: part.workers, f"worker of {part.name}"))
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()

        return kill

    def server(name: str) -> Kill:
        def kill() -> None:
            system.servers.wait_for(name)
            system.servers.kill(name)

        return kill

    others = [
        *(restart(part) for part in (system.consumer, system.relay, system.booking_relay)),
        *(worker_of(part) for part in (system.event, system.booking)),
        *(server(name) for name in (EVENT_DATABASE, BOOKING_DATABASE)),
    ]
    random.shuffle(others)
    # It takes longest to come back: so the others die while it is away, and while it comes.
    return [server(BROKER), *others]


@contextmanager
def bookings(system: FaultySystem, trial: Trial) -> Iterator[list[int]]:
    """Booked in the background. Yields the ids of those that were acknowledged."""
    acknowledged: list[int] = []
    client = open_client(system.booking_url)

    def book() -> None:
        if not trial.ledger.acknowledged:
            return
        event = random.choice(trial.ledger.acknowledged)
        user = {"user_id": f"user-{random.getrandbits(64)}"}
        try:
            response = client.post(f"{EVENTS}/{event.id}/bookings", json=user)
        except httpx.TransportError:
            return
        if response.status_code == 201:
            acknowledged.append(response.json()["id"])

    with load(book, per_second=BOOKINGS_PER_SECOND):
        yield acknowledged
    client.close()


def stored_bookings(system: FaultySystem) -> set[int]:
    with psycopg.connect(system.databases.booking_url) as connection:
        return {number for (number,) in connection.execute("SELECT id FROM bookings_booking")}


def test_everything_killed_again_and_again_under_load(system: FaultySystem, trial: Trial) -> None:
    with (
        load(trial.ledger.create_or_edit, per_second=EVENTS_PER_SECOND),
        bookings(system, trial) as booked,
    ):
        until(lambda: len(trial.ledger.acknowledged) > 20, "events", seconds=60)
        ends_at = time.monotonic() + SECONDS
        rounds = 0
        while not rounds or time.monotonic() < ends_at:
            rounds += 1
            for kill in kills(system):
                kill()
                time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
        trial.mended()

    system.ensure_running()
    trial.settle()
    assert booked
    assert stored_bookings(system) >= set(booked)
    subprocess.run(
        [sys.executable, "manage_booking.py", "verify_bookings"],
        cwd=ROOT,
        env=system.booking.environ,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
