"""A separate database on the server of a service's URL, dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql

from bench.errors import BenchError

_OUTBOX = "outbox_outboxentry"
_TABLES = f"bookings_booking, bookings_event, bookings_historyentry, organisers_note, {_OUTBOX}"


@dataclass(frozen=True)
class Database:
    """`connection` commits each statement separately."""

    url: str
    connection: psycopg.Connection[tuple[Any, ...]]

    def value(self, query: str, *parameters: object) -> Any:
        """The only column of the only row."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        assert row is not None
        return row[0]

    def empty(self, *, from_event: int | None = None) -> None:
        """Let each measurement start from the same state, with nothing to clean up or write. Events
        from `from_event` on and their bookings stay."""
        if from_event is None:
            self.connection.execute(f"TRUNCATE {_TABLES}".encode())
            return
        self.connection.execute("DELETE FROM bookings_booking WHERE event_id < %s", [from_event])
        self.connection.execute("DELETE FROM bookings_event WHERE id < %s", [from_event])
        self.connection.execute(f"TRUNCATE bookings_historyentry, {_OUTBOX}".encode())

    def settle(self) -> None:
        """Update the planner's statistics, and write the data now rather than while measuring."""
        self.connection.execute(f"VACUUM ANALYZE {_TABLES}".encode())
        self.connection.execute("CHECKPOINT")

    @property
    def deadlocks(self) -> int:
        """Since the database was created."""
        return int(
            self.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )

    @property
    def wal_bytes(self) -> int:
        """All that the server has ever written to its write-ahead log."""
        return int(self.value("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    @property
    def settings(self) -> dict[str, str]:
        """The version, and the settings that decide whether a commit is on disk."""
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
        return {name: str(self.value("SELECT current_setting(%s)", name)) for name in names}

    def postmaster(self) -> psutil.Process | None:
        """The server's main process, or None if it doesn't run on this machine."""
        try:
            backend = psutil.Process(self.value("SELECT pg_backend_pid()"))
            parent = backend.parent()
        except psutil.NoSuchProcess:
            return None
        is_server = "postgres" in backend.name() and parent and "postgres" in parent.name()
        return parent if is_server else None


@contextmanager
def fresh_database(service: str) -> Iterator[Database]:
    """For `booking` or `event`. Its migrations have yet to be run."""
    variable = f"{service.upper()}_DATABASE_URL"
    given = os.environ.get(variable)
    if not given:
        raise BenchError(f"{variable} is not set: type `make bench`, which starts servers")
    database = f"bench_{service}_{os.getpid()}"
    url = urlsplit(given)._replace(path=f"/{database}").geturl()
    name = sql.Identifier(database)
    with psycopg.connect(given, autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                yield Database(url=url, connection=connection)
        finally:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
