"""The primary keys come to hold the event, on a database that already has rows."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.booking.own_database import OwnDatabase

BEFORE = ["bookings", "0009"]
ROWS = """
    INSERT INTO bookings_event (id, name, max_seats, waitlist_limit, price, booking_start_at,
           booking_end_at, created_at, updated_at, version, confirmed_count, waitlisted_count,
           last_waitlist_order, honoured_seats, honoured_waitlist)
    SELECT n, 'E', 1000, 0, 1, now(), now() + interval '1 day', now(), now(), 1, 100, 0, 0, 0, 0
      FROM generate_series(1, 10) AS n;
    INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
    SELECT 1 + n % 10, 'user-' || n, 'confirmed', now(), now() FROM generate_series(1, 1000) AS n;
    INSERT INTO organisers_note (booking_id, text) SELECT n, 'x' FROM generate_series(1, 50) AS n;
    INSERT INTO bookings_historyentry (event_id, booking_id, change, reason, actor, at)
    SELECT event_id, id, 'cancelled', 'x', 'x', now() FROM bookings_booking;
"""
KEYS = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE contype = 'p' AND conrelid::regclass::text IN
           ('bookings_booking', 'bookings_historyentry')
     ORDER BY 1
"""
BY_ID = [("bookings_booking", "PRIMARY KEY (id)"), ("bookings_historyentry", "PRIMARY KEY (id)")]
BY_EVENT = [
    ("bookings_booking", "PRIMARY KEY (event_id, id)"),
    ("bookings_historyentry", "PRIMARY KEY (event_id, id)"),
]
REFERENCES = """
    SELECT conname::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint
     WHERE contype = 'f' AND confrelid = 'bookings_booking'::regclass
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"


@pytest.fixture
def database() -> Iterator[OwnDatabase]:
    with OwnDatabase.created() as created:
        yield created


def content(database: OwnDatabase) -> list[list[tuple[object, ...]]]:
    tables = ("bookings_booking", "organisers_note", "bookings_historyentry")
    return [database.ask(f"SELECT * FROM {table} ORDER BY id") for table in tables]


def test_it_changes_no_row_and_no_reference_on_the_way_forward_and_back(
    database: OwnDatabase,
) -> None:
    database.migrate()
    database.migrate(*BEFORE)
    database.do(ROWS)
    rows, references = content(database), database.ask(REFERENCES)
    assert database.ask(KEYS) == BY_ID
    assert [valid for *_, valid in references] == [True]

    for target, keys in (([], BY_EVENT), (BEFORE, BY_ID), ([], BY_EVENT)):
        database.migrate(*target)

        assert database.ask(KEYS) == keys
        assert database.ask(REFERENCES) == references
        assert database.ask(INVALID) == []
        assert content(database) == rows

    with pytest.raises(psycopg.errors.UniqueViolation, match="booking_id"):
        database.do(
            "INSERT INTO bookings_booking (id, event_id, user_id, status, created_at, updated_at)"
            " VALUES (1, 9, 'x', 'confirmed', now(), now())"
        )
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.do(
            "SET CONSTRAINTS ALL IMMEDIATE;"
            " INSERT INTO organisers_note (booking_id, text) VALUES (1001, 'x')"
        )


def test_it_can_be_run_again_after_a_lock_was_not_granted(database: OwnDatabase) -> None:
    database.migrate()
    database.migrate(*BEFORE)
    database.do(ROWS)
    rows = content(database)

    with psycopg.connect(database.url) as someone:
        someone.execute("SELECT 1 FROM organisers_note FOR UPDATE")
        with pytest.raises(subprocess.CalledProcessError):
            database.migrate()
        assert database.ask(KEYS) == BY_ID
        assert len(database.ask(REFERENCES)) == 1
    database.migrate()

    assert database.ask(KEYS) == BY_EVENT
    assert content(database) == rows
