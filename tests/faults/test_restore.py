"""A database is lost while people book, and restored as it was before. docs/operations.md has the
same steps for operators."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from shared.messaging.topology import BOOKINGS_EXCHANGE
from tests.support.end_to_end.processes import ROOT, Part
from tests.support.end_to_end.system import wait_until_healthy
from tests.support.faults.backups import backed_up
from tests.support.faults.bookings import bookings
from tests.support.faults.copies import EventRow
from tests.support.faults.ledger import Ledger
from tests.support.faults.load import load
from tests.support.faults.servers import BOOKING_DATABASE, EVENT_DATABASE
from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.outbox_sql import PENDING
from tests.support.waiting import PATIENCE_SECONDS, until

SECONDS = 60
# How much older the database is after it was restored: in the long form, minutes.
OLDER_SECONDS = float(os.environ.get("FAULT_SECONDS", "3"))
EVENTS_PER_SECOND = 20
BOOKINGS_PER_SECOND = 20


def manage(part: Part, *words: str) -> list[str]:
    """The lines that a command prints in the environment of that part."""
    script = "manage_event.py" if part.name == "event-api" else "manage_booking.py"
    done = subprocess.run(
        [sys.executable, script, *words],
        cwd=ROOT,
        env=part.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def newest(states: list[EventRow]) -> dict[int, EventRow]:
    found: dict[int, EventRow] = {}
    for state in states:
        if state.id not in found or state.version > found[state.id].version:
            found[state.id] = state
    return found


def bookings_in(url: str) -> set[int]:
    with psycopg.connect(url) as connection:
        return {number for (number,) in connection.execute("SELECT id FROM bookings_booking")}


def is_quiet(system: FaultySystem) -> bool:
    with system.broker() as broker:
        return system.databases.pending() == 0 and broker.size() == 0


def is_quiet_between(system: FaultySystem) -> bool:
    """No event's change is under way to its copy."""
    with psycopg.connect(system.databases.event_url) as connection:
        (pending,) = connection.execute(PENDING.encode()).fetchone() or (0,)
    with system.broker() as broker:
        return not pending and broker.size() == 0


def test_event_database_lost_and_restored_as_it_was_before(
    system: FaultySystem, trial: Trial, tmp_path: Path
) -> None:
    databases = system.databases
    with (
        backed_up(system.servers, EVENT_DATABASE, databases.event_url) as backup,
        bookings(system, trial, per_second=BOOKINGS_PER_SECOND) as booked,
    ):
        with load(trial.ledger.create_or_edit, per_second=EVENTS_PER_SECOND):
            until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
            moment = backup.now()
            ends_at = time.monotonic() + OLDER_SECONDS
            count = len(trial.ledger.acknowledged)
            until(lambda: len(trial.ledger.acknowledged) > count + 20, "events", seconds=SECONDS)
            time.sleep(max(0.0, ends_at - time.monotonic()))
        until(lambda: is_quiet(system), "end of all messages", seconds=SECONDS)
        # What has not left when the database is lost can't come back.
        system.ways.event_api_to_broker.cut()
        system.ways.relay_to_broker.cut()
        unannounced = Ledger(system.event_url)
        lost = [unannounced.create() for _ in range(3)]
        unannounced.close()
        before_the_loss = len(booked.acknowledged)

        backup.lose_the_server()
        assert system.event.stop() == 0
        assert system.relay.stop() == 0
        system.ways.mend()
        backup.restore(moment=moment)
        until(
            lambda: len(booked.acknowledged) > before_the_loss,
            "bookings meanwhile",
            seconds=SECONDS,
        )

        restored = databases.originals(above=trial.above)
        known = newest(trial.ledger.acknowledged)
        missing = {event_id for event_id in known if event_id not in restored}
        older = {
            event_id
            for event_id, state in known.items()
            if event_id in restored and restored[event_id].version < state.version
        }
        assert missing
        assert older

        # Someone is too early: the booking service takes this change for an old one.
        system.event.start()
        wait_until_healthy(system.event_url, system.event)
        hasty = trial.ledger.edit(min(older))
        assert hasty is not None
        assert hasty.version <= known[hasty.id].version

        events = tmp_path / "events.jsonl"
        manage(system.booking, "export_events", str(events))
        said = manage(system.event, "recover_events", str(events))

        named = {
            int(line.split()[1].rstrip(":")): line for line in said if line.startswith("event")
        }
        assert {number for number, line in named.items() if "was missing" in line} == missing
        assert {number for number, line in named.items() if "brought up" in line} == older - {
            hasty.id
        }
        assert f"was changed after the restore as version {hasty.version}" in named[hasty.id]
        assert named.keys() == missing | older

        system.relay.start()
        trial.mended()
        count = len(booked.acknowledged)
        following = trial.ledger.create()
        assert following is not None
        assert following.id > max(event.id for event in lost if event)
        with load(trial.ledger.create_or_edit, per_second=EVENTS_PER_SECOND):
            until(lambda: len(booked.acknowledged) > count + 20, "new bookings", seconds=SECONDS)

    trial.settle()
    booked.verify()
    originals = databases.originals(above=trial.above)
    assert originals[hasty.id].version > known[hasty.id].version
    assert not {event.id for event in lost if event} & originals.keys()
    assert set(booked.others) <= {"404", "409"}


def test_booking_database_lost_and_restored_as_it_was_before(
    system: FaultySystem, trial: Trial
) -> None:
    url = system.databases.booking_url
    with system.broker() as broker:
        broker.channel.queue_declare("listener", exclusive=True)
        broker.channel.queue_bind("listener", BOOKINGS_EXCHANGE, "#")
        with backed_up(system.servers, BOOKING_DATABASE, url) as backup:
            with (
                load(trial.ledger.create_or_edit, per_second=EVENTS_PER_SECOND),
                bookings(system, trial, per_second=BOOKINGS_PER_SECOND) as before,
            ):
                until(lambda: len(before.acknowledged) > 10, "bookings", seconds=SECONDS)
                kept = set(before.acknowledged)
                moment = backup.now()
                ends_at = time.monotonic() + OLDER_SECONDS
                count = len(before.acknowledged)
                until(lambda: len(before.acknowledged) > count + 20, "bookings", seconds=SECONDS)
                time.sleep(max(0.0, ends_at - time.monotonic()))
                backup.lose_the_server()
            for part in (system.booking, system.consumer, system.booking_relay):
                assert part.stop() == 0
            backup.restore(moment=moment)

            restored = bookings_in(url)
            lost = set(before.acknowledged) - restored
            assert restored >= kept
            assert lost

            # Before anyone can book, each event is as its service has it.
            manage(system.booking, "skip_booking_ids")
            system.consumer.start()
            manage(system.event, "republish_events")
            until(lambda: is_quiet_between(system), "end of all messages", seconds=SECONDS)
            system.booking.start()
            wait_until_healthy(system.booking_url, system.booking)
            system.booking_relay.start()
            trial.mended()
            with bookings(system, trial, per_second=BOOKINGS_PER_SECOND) as after:
                until(lambda: len(after.acknowledged) > 20, "new bookings", seconds=SECONDS)

        trial.settle()
        after.verify()
        assert min(after.acknowledged) > max(before.acknowledged)
        # Whoever listens to the messages can name the lost ones, but for those that had not left.
        told = {json.loads(message.body)["id"] for message in broker.take_all("listener")}
        assert lost & told
        print(f"{len(lost)} bookings lost, {len(lost - told)} of them never announced")
