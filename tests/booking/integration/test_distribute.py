"""`manage_booking.py distribute`, and bookings in the cluster that `CITUS_DATABASE_URL` names."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from booking_project.bookings.models import Booking, Event
from booking_project.bookings.selectors import booking_list, refusals_without_lock
from booking_project.bookings.storage import events_of_bookings
from booking_project.bookings.storage.loaders import booking_load, booking_load_in_line
from booking_project.bookings.storage.sql import bookings_by_id, bookings_in_line, events_by_id
from booking_project.distribution.readiness import mismatch
from devstack import citus
from shared.db.readiness import DatabaseReadiness
from shared.idempotency.requests import IdempotentRequest
from shared.idempotency.store import find_stored
from tests.support.booking.commands import decided, to_book, to_cancel
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.on_a_cluster import on_a_cluster
from tests.support.booking.own_database import ROOT, OwnDatabase

TABLES = (
    "bookings_event",
    "bookings_booking",
    "bookings_historyentry",
    "sales_sale",
    "sales_salesecond",
    "outbox_outboxentry",
    "idempotency_idempotencyrecord",
)
ROWS = """
    INSERT INTO bookings_event (id, name, max_seats, waitlist_limit, price, booking_start_at,
           booking_end_at, created_at, updated_at, version, confirmed_count, waitlisted_count,
           last_waitlist_order, honoured_seats, honoured_waitlist)
    SELECT n, 'E', 1000, 0, 1, now(), now() + interval '1 day', now(), now(), 1, 10, 0, 0, 0, 0
      FROM generate_series(1, 10) AS n;
    INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
    SELECT 1 + n % 10, 'user-' || n, 'confirmed', now(), now() FROM generate_series(1, 100) AS n;
    INSERT INTO organisers_note (booking_id, text) SELECT n, 'x' FROM generate_series(1, 5) AS n;
    INSERT INTO outbox_outboxentry (exchange, size, messages) VALUES ('bookings', 1, 'x');
    INSERT INTO idempotency_idempotencyrecord (caller, path, key, fingerprint, response)
    VALUES ('ann', '/api/v1/events/7/bookings', 'k', 'f', '{}');
"""
DISTRIBUTED = "SELECT count(*) FROM pg_dist_partition"
SHARDS = "SELECT result FROM run_command_on_all_nodes($$SELECT count(*) FROM pg_class\
 WHERE relname ~ '^bookings_event_[0-9]+$'$$)"


def distribute(
    database: OwnDatabase, *options: str, answer: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage_booking.py", "distribute", *options],
        cwd=ROOT,
        env={**os.environ, "BOOKING_DATABASE_URL": database.url},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_database_without_the_extension_is_refused() -> None:
    with OwnDatabase.created() as database:
        refused = distribute(database, "--yes")

    assert refused.returncode == 1
    assert "this database has no Citus" in refused.stderr


@pytest.mark.parametrize("shards", ["0", "1025"])
def test_a_number_of_shards_that_makes_no_sense_is_refused(shards: str) -> None:
    with OwnDatabase.created() as database:
        refused = distribute(database, "--shards", shards)

    assert refused.returncode == 1
    assert "--shards must be between 1 and 1024" in refused.stderr


@pytest.fixture
def cluster() -> Iterator[OwnDatabase]:
    """A database on all nodes, not migrated yet."""
    name = f"distribute_{uuid4().hex[:12]}"
    with citus.fresh_database(os.environ[citus.URL], name) as url:
        yield OwnDatabase(url)


@pytest.fixture
def full(cluster: OwnDatabase) -> OwnDatabase:
    """With rows, all of them on the coordinator."""
    cluster.migrate()
    cluster.do(ROWS)
    return cluster


@on_a_cluster
class TestTheCommand:
    def test_migrations_come_first(self, cluster: OwnDatabase) -> None:
        refused = distribute(cluster, "--yes")

        assert refused.returncode == 1
        assert "migrations are missing" in refused.stderr

    def test_it_says_what_it_will_do_and_asks(self, full: OwnDatabase) -> None:
        said = distribute(full, "--dry-run")
        refused = distribute(full, answer="n\n")

        for text in (
            "distribute bookings_booking by event_id: 100 rows",
            "drop the reference organisers_note_booking_id",
            "the index booking_id is no longer unique",
        ):
            assert text in said.stdout
        assert said.returncode == 0
        assert refused.returncode == 1
        assert "nothing was changed" in refused.stderr
        assert full.ask(DISTRIBUTED) == [(0,)]

    def test_what_was_there_is_there_afterwards(self, full: OwnDatabase) -> None:
        before = {table: full.ask(f"SELECT count(*) FROM {table}") for table in TABLES}

        done = distribute(full, "--shards", "6", answer="y\n")

        assert done.returncode == 0, done.stderr
        assert "distributed and verified" in done.stdout
        assert {table: full.ask(f"SELECT count(*) FROM {table}") for table in TABLES} == before
        assert full.ask("SELECT count(DISTINCT colocationid), count(*) FROM pg_dist_partition") == [
            (1, len(TABLES))
        ]
        assert full.ask("SELECT count(*) FROM ONLY organisers_note") == [(5,)]
        assert full.ask("SELECT distribution_key FROM idempotency_idempotencyrecord") == [(7,)]
        of_shards = """
            SELECT DISTINCT result FROM run_command_on_shards('bookings_booking', $$
                SELECT attstattarget FROM pg_attribute
                 WHERE attrelid = '%s'::regclass AND attname = 'event_id' $$)
        """
        assert full.ask(of_shards) == [("0",)]
        inserted = """
            INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
            VALUES (1, 'late', 'confirmed', now(), now()) RETURNING id
        """
        with psycopg.connect(full.url) as session:
            assert session.execute(inserted).fetchall() == [(101,)]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            full.do(inserted.replace("(1,", "(999,"))

    def test_again_it_only_verifies(self, full: OwnDatabase) -> None:
        distribute(full, "--yes", "--shards", "6")
        full.do("UPDATE bookings_event SET confirmed_count = 9 WHERE id = 3")

        again = distribute(full, "--yes")

        assert "all tables are distributed already" in again.stdout
        assert again.returncode == 1
        assert "event 3: counts 9 confirmed, has 10" in again.stdout

    def test_a_stop_in_the_middle_leaves_a_plain_database(self, full: OwnDatabase) -> None:
        # Its last step but one fails: adding a reference that a row breaks.
        full.do(
            "ALTER TABLE bookings_booking DISABLE TRIGGER ALL;"
            "UPDATE bookings_booking SET event_id = 999 WHERE id = 1;"
            "ALTER TABLE bookings_booking ENABLE TRIGGER ALL"
        )

        stopped = distribute(full, "--yes", "--shards", "6")

        assert stopped.returncode == 1
        assert full.ask(DISTRIBUTED) == [(0,)]
        assert {*full.ask(SHARDS)} == {("0",)}
        full.do("UPDATE bookings_booking SET event_id = 2 WHERE id = 1")
        assert distribute(full, "--yes", "--shards", "6").returncode == 0


@pytest.mark.django_db
class TestReadiness:
    def test_the_setting_agrees_with_the_tables(self) -> None:
        assert mismatch() == ""

    def test_the_setting_is_wrong(self, settings: Any) -> None:
        settings.DISTRIBUTED = not settings.DISTRIBUTED

        wrong = mismatch()

        assert "BOOKING_DISTRIBUTION is" in wrong
        readiness = DatabaseReadiness(measure=float).check()
        assert readiness.complaint == wrong


@contextmanager
def commands_of_nodes() -> Iterator[list[tuple[str, str]]]:
    """What the coordinator sends to other nodes for this connection: node and command."""
    sent: list[tuple[str, str]] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        command = re.match(r"issuing (.*)", diagnostic.message_primary or "", re.S)
        node = re.search(r"@([\w.]+:\d+)", diagnostic.message_detail or "")
        if command and node:
            sent.append((node[1], command[1]))

    connection.ensure_connection()
    connection.connection.add_notice_handler(note)
    with connection.cursor() as cursor:
        cursor.execute("SET citus.log_remote_commands TO on; SET client_min_messages TO notice")
        try:
            yield sent
        finally:
            cursor.execute("RESET citus.log_remote_commands; RESET client_min_messages")
            connection.connection.remove_notice_handler(note)


def nodes_of(do: Callable[[], object]) -> set[str]:
    """The other nodes that this is about: one at most. A commit there is the commit of everything,
    because nothing is prepared."""
    with commands_of_nodes() as sent:
        do()
    nodes = {node for node, _ in sent}
    assert len(nodes) <= 1, sent
    assert not any("PREPARE" in command for _, command in sent), sent
    return nodes


@on_a_cluster
@pytest.mark.django_db(transaction=True)
class TestOneEventIsOnOneNode:
    def test_booking_refusing_and_cancelling(self) -> None:
        def use(event: Event) -> None:
            sent = IdempotentRequest(
                caller="", path="/", key="k", fingerprint="f", distribution_key=event.pk
            )
            first, *_ = decided(
                event.pk,
                [to_book(event.pk, "ann"), *(to_book(event.pk, each) for each in users(3))],
            )
            assert isinstance(first, Booking)
            decided(event.pk, [to_cancel(event.pk, first.pk), to_book(event.pk, "ann", sent)])
            assert find_stored([sent])
            assert [*refusals_without_lock([to_book(event.pk, "late")])]
            assert bookings_in_line([(first.pk, None)])
            assert bookings_by_id([first.pk])
            assert events_by_id([event.pk])
            assert [*booking_list(event_id=event.pk).rows]

        used: set[str] = set()
        for event in EventFactory.create_batch(12, max_seats=2, waitlist_limit=1):
            used |= nodes_of(lambda event=event: use(event))
        assert used

    def test_one_that_this_process_has_not_seen_is_found_and_remembered(self) -> None:
        [booking] = booked(EventFactory(), users(1))
        events_of_bookings._events.clear()

        assert booking_load(booking_id=booking.pk) == booking
        nodes_of(lambda: bookings_by_id([booking.pk]))

    def test_a_wrong_hint_costs_time_only(self) -> None:
        event, other = EventFactory.create_batch(2)
        [booking] = booked(event, users(1))
        events_of_bookings.remember(booking.pk, other.pk)

        assert booking_load(booking_id=booking.pk) == booking
        assert booking_load_in_line(booking_id=booking.pk) == booking

    def test_ids_come_from_one_sequence(self) -> None:
        events = EventFactory.create_batch(6)

        ids = [booked(event, users(1))[0].pk for event in events]

        assert ids == [*range(ids[0], ids[0] + 6)]
        assert Booking.objects.count() == 6
