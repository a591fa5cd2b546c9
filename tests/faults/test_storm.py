"""All parts are killed again and again while clients create, edit and book."""

import contextlib
import os
import random
import time
from collections.abc import Callable

import psutil

from tests.support.end_to_end.processes import Part
from tests.support.faults.bookings import bookings
from tests.support.faults.load import load
from tests.support.faults.servers import BOOKING_DATABASE, BROKER, EVENT_DATABASE
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.waiting import until

SECONDS = float(os.environ.get("FAULT_SECONDS", "15"))
EVENTS_PER_SECOND = 50
BOOKINGS_PER_SECOND = 10
PAUSE_SECONDS = 1.5

Kill = Callable[[], None]


def kills(system: FaultySystem) -> list[Kill]:
    """Kills each of them once."""

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


def test_everything_killed_again_and_again_under_load(system: FaultySystem, trial: Trial) -> None:
    with (
        load(trial.ledger.create_or_edit, per_second=EVENTS_PER_SECOND),
        bookings(system, trial, per_second=BOOKINGS_PER_SECOND) as booked,
    ):
        until(lambda: len(trial.ledger.acknowledged) > 20, "events")
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
    booked.verify()
