"""The broker stopped, killed, frozen, out of memory or disk, cut off, or without its queue."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.support.faults.load import load
from tests.support.faults.servers import BROKER, Servers
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.waiting import BRIEF_SECONDS, until

SECONDS = 60
PER_SECOND = 50


def create_acknowledged(trial: Trial, count: int) -> None:
    for _ in range(count):
        assert trial.ledger.create() is not None, trial.ledger.others


@pytest.mark.long_form
def test_broker_stopped(system: FaultySystem, trial: Trial) -> None:
    with system.servers.stopped(BROKER):
        create_acknowledged(trial, 100)
        assert system.databases.pending() == 100
        trial.mended()

    trial.settle()


@pytest.mark.long_form
def test_broker_killed_under_load(system: FaultySystem, trial: Trial) -> None:
    with load(trial.ledger.create_or_edit, per_second=PER_SECOND):
        until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
        system.servers.kill(BROKER)
        trial.mended()
        system.servers.wait_for(BROKER)

    assert trial.ledger.unknown == 0
    trial.settle()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(2, id="for 2 s"),
        pytest.param(75, id="for 75 s, longer than heartbeats wait", marks=pytest.mark.long_form),
    ],
)
def test_broker_frozen_under_load(system: FaultySystem, trial: Trial, seconds: int) -> None:
    with load(trial.ledger.create_or_edit, per_second=PER_SECOND):
        until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
        with system.servers.frozen(BROKER):
            time.sleep(seconds)
            trial.mended()

    assert trial.ledger.unknown == 0
    trial.settle()


@pytest.mark.parametrize(
    "alarm",
    [
        pytest.param(Servers.out_of_memory, id="memory"),
        pytest.param(Servers.out_of_disk, id="disk", marks=pytest.mark.long_form),
    ],
)
def test_broker_blocks_publishers_for_lack_of(
    system: FaultySystem, trial: Trial, alarm: Callable[[Servers], AbstractContextManager[None]]
) -> None:
    with alarm(system.servers):
        create_acknowledged(trial, 20)
        assert system.databases.pending() > 0
        trial.mended()

    trial.settle()


def test_connections_reset_again_and_again_under_load(system: FaultySystem, trial: Trial) -> None:
    with load(trial.ledger.create_or_edit, per_second=PER_SECOND):
        for _ in range(6):
            for way in system.ways.to_broker:
                time.sleep(BRIEF_SECONDS)
                way.cut_connections()
        trial.mended()

    assert trial.ledger.unknown == 0
    trial.settle()


@pytest.mark.long_form
def test_queue_deleted_while_it_is_consumed(system: FaultySystem, trial: Trial) -> None:
    create_acknowledged(trial, 1)
    until(lambda: trial.copies == 1, "the copy", seconds=SECONDS)
    until(lambda: system.databases.pending() == 0, "mark on its message", seconds=SECONDS)

    with system.broker() as broker:
        broker.delete_queues()
    trial.mended()
    create_acknowledged(trial, 20)

    until(system.has_queues, "queues declared again", seconds=SECONDS)
    trial.settle()


@pytest.mark.long_form
def test_queue_deleted_and_declared_again_while_it_is_consumed(
    system: FaultySystem, trial: Trial
) -> None:
    """So quickly that the broker might move the consumer to the new queue."""
    create_acknowledged(trial, 30)
    until(lambda: trial.copies == 30, "copies", seconds=SECONDS)
    until(lambda: system.databases.pending() == 0, "marks", seconds=SECONDS)

    with system.broker() as broker:
        broker.reset()
    trial.mended()
    create_acknowledged(trial, 20)

    trial.settle()


def test_queue_deleted_while_publishers_are_connected_and_nobody_consumes(
    system: FaultySystem, trial: Trial
) -> None:
    create_acknowledged(trial, 1)
    until(lambda: trial.copies == 1, "the copy", seconds=SECONDS)
    until(lambda: system.databases.pending() == 0, "mark on its message", seconds=SECONDS)

    with system.without(system.consumer):
        with system.broker() as broker:
            broker.delete_queues()
        trial.mended()
        create_acknowledged(trial, 20)
        until(
            lambda: system.has_queues() and system.databases.pending() == 0,
            "messages that found a queue",
            seconds=SECONDS,
        )

    trial.settle()
