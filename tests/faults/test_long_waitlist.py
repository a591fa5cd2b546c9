"""A capacity raised over a long waitlist: its consumer is held up and then killed, and other
events and waiting users see only a delay."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale
from tests.support.end_to_end.processes import ROOT
from tests.support.faults.system import FaultySystem
from tests.support.outbox_sql import MESSAGES
from tests.support.waiting import until

# Batches of 250: the first comes with the change, three more pass the gate, the fifth does not.
WAITING = 1600
GATE = 500
SECONDS = 120
_LOCK = 4_711

_SEED = """
    WITH line AS (
        INSERT INTO bookings_booking
               (event_id, user_id, status, waitlist_order, created_at, updated_at)
        SELECT %(event)s, format('waits-%%s', number), 'waitlisted', number, now(), now()
          FROM generate_series(1, %(waiting)s) AS number
    )
    UPDATE bookings_event SET waitlisted_count = %(waiting)s, last_waitlist_order = %(waiting)s
     WHERE id = %(event)s
"""
_GATE = f"""
    CREATE FUNCTION pass_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock({_LOCK});
        RETURN NEW;
    END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON bookings_event FOR EACH ROW
        WHEN (NEW.id = {{event}} AND NEW.waitlisted_count < {GATE})
        EXECUTE FUNCTION pass_the_gate();
"""


@pytest.fixture
def sale(system: FaultySystem) -> Iterator[Sale]:
    sale = Sale(system.event_url, system.booking_url)
    yield sale
    sale.close()


def with_a_line(system: FaultySystem, sale: Sale) -> int:
    """An event whose one seat is taken and for which `WAITING` wait."""
    event = sale.create_event(max_seats=1, waitlist_limit=WAITING + 10)
    sale.booked(event, "seated")
    with psycopg.connect(system.databases.booking_url, autocommit=True) as database:
        database.execute(_SEED, {"event": event, "waiting": WAITING})
    return event


@contextmanager
def gate(system: FaultySystem, event: int) -> Iterator[None]:
    """No transaction can leave fewer than `GATE` in that event's line."""
    with psycopg.connect(system.databases.booking_url, autocommit=True) as database:
        database.execute(_GATE.format(event=event))  # type: ignore[arg-type]
        database.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield
    with psycopg.connect(system.databases.booking_url, autocommit=True) as database:
        database.execute("DROP FUNCTION pass_the_gate() CASCADE")


def verify(system: FaultySystem) -> str:
    """The output of `verify_bookings`, which must succeed."""
    answer = subprocess.run(
        [sys.executable, "manage_booking.py", "verify_bookings"],
        cwd=ROOT,
        env=system.booking.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_consumer_killed_between_two_batches_of_promotions(
    system: FaultySystem, sale: Sale
) -> None:
    event = with_a_line(system, sale)

    with gate(system, event):
        raised = sale.events.patch(f"{EVENTS}/{event}", json={"max_seats": 2 * WAITING})
        assert raised.status_code == 200
        until(lambda: sale.counts(event)[1] == 600, "line before the gate", seconds=SECONDS)

        # The event has idle seats, a newcomer waits, and what is stuck holds up nobody else.
        assert sale.booked(event, "late")["status"] == "waitlisted"
        other = sale.create_event(max_seats=1)
        assert sale.booked(other, "somebody")["status"] == "confirmed"
        assert f"event {event}: consume_events has yet to promote 601 bookings" in verify(system)

        system.consumer.kill()
        assert sale.counts(event)[:2] == (1 + WAITING - 600, 601)
    system.consumer.start()

    until(lambda: sale.counts(event)[1] == 0, "end of the line", seconds=SECONDS)
    assert sale.counts(event) == (2 + WAITING, 0, WAITING - 2)
    assert "has yet to" not in verify(system)
    assert sale.booked(event, "at the end")["status"] == "confirmed"


def test_event_cancelled_while_its_line_is_promoted(system: FaultySystem, sale: Sale) -> None:
    event = with_a_line(system, sale)

    with gate(system, event):
        raised = sale.events.patch(f"{EVENTS}/{event}", json={"max_seats": 2 * WAITING})
        assert raised.status_code == 200
        until(lambda: sale.counts(event)[1] == 600, "line before the gate", seconds=SECONDS)
        assert sale.events.post(f"{EVENTS}/{event}/cancel").status_code == 200
        until(lambda: sale.status(event)["cancelled_at"], "cancellation", seconds=SECONDS)
        assert sale.book(event, "late").json()["code"] == "event_cancelled"

    until(lambda: sale.counts(event)[:2] == (0, 0), "end of all bookings", seconds=SECONDS)
    with psycopg.connect(system.databases.booking_url) as database:
        causes = database.execute(
            f"SELECT body ->> 'cause', count(*) FROM {MESSAGES}"
            " WHERE body ->> 'event_id' = %s AND routing_key <> 'booking.confirmed'"
            " GROUP BY 1".encode(),
            [str(event)],
        ).fetchall()
    assert dict(causes) == {"capacity_raised": 1000, "event_cancelled": 1 + WAITING}
    assert "has yet to" not in verify(system)
