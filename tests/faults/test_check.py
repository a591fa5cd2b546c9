"""Controls: what the check of these tests must find, and how an operator repairs it."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.end_to_end.processes import ROOT
from tests.support.faults import trial as trials
from tests.support.faults.copies import EventRow, differences, lost
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.waiting import until

SECONDS = 60


@pytest.fixture
def trial(system: FaultySystem) -> Iterator[Trial]:
    """A trial whose figures are not reported."""
    trial = Trial("control", system)
    yield trial
    trial.ledger.close()


def create(trial: Trial, count: int) -> list[EventRow]:
    for _ in range(count):
        assert trial.ledger.create() is not None
    until(lambda: trial.copies == count, "copies", seconds=SECONDS)
    trial.mended()
    trial.settle()
    return trial.ledger.acknowledged


def execute(url: str, query: str, *parameters: object) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(query.encode(), parameters)


def found(system: FaultySystem, trial: Trial) -> list[str]:
    databases = system.databases
    return differences(databases.originals(above=trial.above), databases.copies(above=trial.above))


def republish(system: FaultySystem) -> None:
    subprocess.run(
        [sys.executable, "manage_event.py", "republish_events"],
        cwd=ROOT,
        env=system.event.environ,
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )


def test_missing_and_damaged_copies_are_found_and_repaired_by_republishing(
    system: FaultySystem, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged = create(trial, 3)
    missing, damaged, _ = system.databases.originals(above=trial.above).values()
    booking_url = system.databases.booking_url
    execute(booking_url, "DELETE FROM bookings_event WHERE id = %s", missing.id)
    execute(booking_url, "UPDATE bookings_event SET price = price + 1 WHERE id = %s", damaged.id)

    assert found(system, trial) == [
        f"event {missing.id} has no copy",
        f"event {damaged.id}: price is {damaged.price!r}, in the copy {damaged.price + 1!r}",
    ]
    assert lost(acknowledged, system.databases.copies()) == [missing, damaged]
    with monkeypatch.context() as hasty:
        hasty.setattr(trials, "SETTLE_SECONDS", 0)
        with pytest.raises(AssertionError, match=f"event {missing.id} has no copy"):
            trial.settle()

    republish(system)
    trial.settle()


def test_messages_deleted_with_their_queue_are_missed_and_brought_by_republishing(
    system: FaultySystem, trial: Trial
) -> None:
    """An operator's mistake that the outbox can't detect: the broker had confirmed the messages."""
    with system.without(system.consumer):
        for _ in range(5):
            assert trial.ledger.create() is not None
        until(lambda: system.databases.pending() == 0, "marks", seconds=SECONDS)
        with system.broker() as broker:
            broker.delete_queues()
    until(system.is_consuming, "consumer", seconds=SECONDS)
    assert len(found(system, trial)) == 5
    trial.mended()

    republish(system)

    trial.settle()


def test_an_acknowledged_event_that_neither_service_has_is_lost(
    system: FaultySystem, trial: Trial
) -> None:
    (event,) = create(trial, 1)
    copies = system.databases.copies(above=trial.above)
    invented = dataclasses.replace(event, id=event.id + 1)
    changed = dataclasses.replace(event, name="something else")
    newer = dataclasses.replace(event, version=event.version + 1)
    older = dataclasses.replace(event, version=event.version - 1)

    assert lost([event, invented, changed, newer, older], copies) == [invented, changed, newer]


def test_a_pending_message_is_found(
    system: FaultySystem, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(trial, 1)
    system.ways.event_api_to_broker.cut()
    system.ways.relay_to_broker.cut()
    trial.ledger.create()

    with monkeypatch.context() as hasty:
        hasty.setattr(trials, "SETTLE_SECONDS", 0)
        with pytest.raises(AssertionError, match="1 messages are pending"):
            trial.settle()

    system.ways.mend()
    trial.settle()
