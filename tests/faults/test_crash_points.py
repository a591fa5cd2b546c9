"""Processes killed exactly between two steps, where a proxy makes them hang."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from struct import pack

from pika.spec import Basic

from tests.support.end_to_end.processes import Part
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

COMMIT = b"COMMIT"
# The consumer inserts new events in one statement, which commits by itself.
INSERT = b"INSERT INTO bookings_event"
MESSAGE = b"event.created"
ACK = pack(">I", Basic.Ack.INDEX)

SECONDS = 60


@contextmanager
def left_to_the_relay(system: FaultySystem) -> Iterator[None]:
    """The event API can't reach the broker."""
    system.ways.event_api_to_broker.cut()
    yield
    system.ways.event_api_to_broker.mend()


def kill_in_the_trap(part: Part, way: TcpProxy, trial: Trial) -> None:
    """Bytes in the proxy never arrive; the part is started again."""
    until(lambda: way.has_trapped, f"{part.name} in the trap", seconds=SECONDS)
    part.kill()
    way.cut_connections()
    way.mend()
    trial.mended()
    part.start()


def test_event_api_killed_between_its_commit_and_its_publish(
    system: FaultySystem, trial: Trial
) -> None:
    way = system.ways.event_api_to_database
    way.hold_answer_to(COMMIT)
    client = threading.Thread(target=trial.ledger.create)
    client.start()
    until(lambda: system.databases.newest() > trial.above, "a committed event", seconds=SECONDS)

    kill_in_the_trap(system.event, way, trial)
    client.join(SECONDS)

    assert trial.ledger.unknown == 1, "nobody told the client that the event is there"
    until(lambda: trial.copies == 1, "its copy all the same", seconds=SECONDS)
    trial.settle()


def test_event_api_killed_before_its_commit(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.event_api_to_database
    way.hold_back(COMMIT)
    client = threading.Thread(target=trial.ledger.create)
    client.start()

    kill_in_the_trap(system.event, way, trial)
    client.join(SECONDS)

    assert trial.ledger.unknown == 1
    trial.settle()
    assert trial.copies == 0, "no event, no message"


def test_relay_killed_before_its_publish(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.relay_to_broker
    with left_to_the_relay(system):
        way.hold_back(MESSAGE)
        trial.ledger.create()
        until(lambda: way.has_trapped, "publish in the trap", seconds=SECONDS)
        assert system.databases.pending() == 1
        assert trial.copies == 0

        kill_in_the_trap(system.relay, way, trial)

        trial.settle()


def test_relay_killed_between_its_publish_and_its_mark(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.relay_to_broker
    with left_to_the_relay(system):
        way.hold_answer_to(MESSAGE)
        trial.ledger.create()
        until(lambda: trial.copies == 1, "the copy", seconds=SECONDS)
        assert system.databases.pending() == 1, "published and not marked"

        kill_in_the_trap(system.relay, way, trial)

        until(lambda: trial.duplicated == 1, "the message a second time", seconds=SECONDS)
        trial.settle()


def test_consumer_killed_before_it_inserts_an_event(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.consumer_to_database
    way.hold_back(INSERT)
    trial.ledger.create()
    until(lambda: way.has_trapped, "insert in the trap", seconds=SECONDS)
    assert trial.copies == 0

    kill_in_the_trap(system.consumer, way, trial)

    trial.settle()


def test_consumer_killed_before_its_commit(system: FaultySystem, trial: Trial) -> None:
    event = created_and_copied(trial)
    way = system.ways.consumer_to_database
    way.hold_back(COMMIT)
    trial.ledger.edit(event)
    until(lambda: way.has_trapped, "commit in the trap", seconds=SECONDS)
    assert version_of_copy(system, event) == 1

    kill_in_the_trap(system.consumer, way, trial)

    trial.settle()


def test_consumer_killed_between_its_commit_and_its_ack(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.consumer_to_broker
    way.hold_back(ACK)
    trial.ledger.create()
    until(lambda: way.has_trapped, "ack in the trap", seconds=SECONDS)
    assert trial.copies == 1

    kill_in_the_trap(system.consumer, way, trial)

    until(lambda: trial.duplicated == 1, "the message a second time", seconds=SECONDS)
    trial.settle()


def test_consumer_killed_before_it_knows_of_its_insert(system: FaultySystem, trial: Trial) -> None:
    way = system.ways.consumer_to_database
    way.hold_answer_to(INSERT)
    trial.ledger.create()
    until(lambda: trial.copies == 1, "the copy", seconds=SECONDS)

    kill_in_the_trap(system.consumer, way, trial)

    trial.settle()


def test_consumer_killed_before_it_knows_of_its_commit(system: FaultySystem, trial: Trial) -> None:
    event = created_and_copied(trial)
    way = system.ways.consumer_to_database
    way.hold_answer_to(COMMIT)
    trial.ledger.edit(event)
    until(lambda: version_of_copy(system, event) == 2, "the copy", seconds=SECONDS)

    kill_in_the_trap(system.consumer, way, trial)

    trial.settle()


def created_and_copied(trial: Trial) -> int:
    event = trial.ledger.create()
    assert event is not None
    until(lambda: trial.copies == 1, "its copy", seconds=SECONDS)
    return event.id


def version_of_copy(system: FaultySystem, event_id: int) -> int:
    return system.databases.copies(above=event_id - 1)[event_id].version
