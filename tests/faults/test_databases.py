"""PostgreSQL of either service killed and restarted, or frozen."""

import time

import pytest

from tests.support.faults.bookings import bookings
from tests.support.faults.load import CLIENTS, load
from tests.support.faults.servers import BOOKING_DATABASE, EVENT_DATABASE
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.waiting import until

SECONDS = 60
PER_SECOND = 50
BOOKINGS_PER_SECOND = 20


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


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(10, id="10 s"), pytest.param(20, id="20 s", marks=pytest.mark.long_form)],
)
@pytest.mark.parametrize("database", [EVENT_DATABASE, BOOKING_DATABASE])
def test_database_frozen_under_load(
    system: FaultySystem, trial: Trial, database: str, seconds: float
) -> None:
    """Every request is answered during the freeze, and afterwards everything recovers."""
    with (
        load(trial.ledger.create_or_edit, per_second=PER_SECOND) as creations,
        bookings(system, trial, per_second=BOOKINGS_PER_SECOND) as booked,
    ):
        until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
        until(lambda: len(booked.acknowledged) > 10, "bookings", seconds=SECONDS)
        with system.servers.frozen(database):
            frozen_at = time.monotonic()
            ends_at = frozen_at + seconds
            others = trial.ledger.others if database == EVENT_DATABASE else booked.others
            under_way = creations if database == EVENT_DATABASE else booked.under_way
            until(lambda: others["503"] > CLIENTS, "answers meanwhile", seconds=SECONDS)
            until(
                lambda: not under_way.since_before(frozen_at + 1),
                "end of what was under way or came soon after",
                seconds=SECONDS,
            )
            time.sleep(max(0.0, ends_at - time.monotonic()))
        trial.mended()
        events, places = len(trial.ledger.acknowledged), len(booked.acknowledged)
        until(lambda: len(trial.ledger.acknowledged) > events + 10, "new events", seconds=SECONDS)
        until(lambda: len(booked.acknowledged) > places + 10, "new bookings", seconds=SECONDS)

    trial.settle()
    booked.verify()
    # No transport error: nobody was left without an answer. An event whose copy is late is unknown.
    assert set(trial.ledger.others) <= {"503"}
    assert set(booked.others) <= {"503", "404", "409"}
