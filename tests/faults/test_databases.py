"""PostgreSQL of either service killed, and started again by whoever runs it."""

import pytest

from tests.faults.load import load
from tests.faults.servers import BOOKING_DATABASE, EVENT_DATABASE
from tests.faults.system import FaultySystem
from tests.faults.trial import Trial
from tests.shared.waiting import until

SECONDS = 60
PER_SECOND = 50


@pytest.mark.long_form
@pytest.mark.parametrize("database", [EVENT_DATABASE, BOOKING_DATABASE])
def test_database_killed_under_load(system: FaultySystem, trial: Trial, database: str) -> None:
    with load(trial.ledger.create_or_edit, per_second=PER_SECOND):
        until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
        system.servers.kill(database)
        trial.mended()
        system.servers.wait_for(database)
        before = len(trial.ledger.acknowledged)
        until(lambda: len(trial.ledger.acknowledged) > before + 10, "new events", seconds=SECONDS)

    trial.settle()


@pytest.mark.long_form
@pytest.mark.parametrize("database", [EVENT_DATABASE, BOOKING_DATABASE])
def test_database_stopped(system: FaultySystem, trial: Trial, database: str) -> None:
    with system.servers.stopped(database):
        for _ in range(20):
            trial.ledger.create()
        trial.mended()

    trial.settle()
