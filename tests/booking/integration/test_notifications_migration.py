"""The notifications' table changes its app, on a database that already has rows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

ROOT = Path(__file__).parents[3]
BEFORE = ["bookings", "0005"]


class OwnDatabase:
    def __init__(self, url: str) -> None:
        self.url = url

    def migrate(self, *target: str) -> None:
        subprocess.run(
            [sys.executable, "manage_booking.py", "migrate", "--verbosity=0", *target],
            cwd=ROOT,
            env={**os.environ, "BOOKING_DATABASE_URL": self.url},
            check=True,
        )

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    def do(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)

    def notifications(self) -> list[tuple[object, ...]]:
        return self.ask("SELECT * FROM bookings_notification ORDER BY id")

    def who_may_see_them(self) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT g.name, t.app_label FROM auth_group g"
            " JOIN auth_group_permissions gp ON gp.group_id = g.id"
            " JOIN auth_permission p ON p.id = gp.permission_id"
            " JOIN django_content_type t ON t.id = p.content_type_id"
            " WHERE p.codename = 'view_notification'"
            # The service's own groups may, too.
            " AND g.name = 'readers'"
        )


@pytest.fixture
def database() -> Iterator[OwnDatabase]:
    parts = urlsplit(os.environ["BOOKING_DATABASE_URL"])
    name = f"migration_{uuid4().hex}"
    with psycopg.connect(urlunsplit(parts), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield OwnDatabase(urlunsplit(parts._replace(path=f"/{name}")))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_rows_and_permissions_stay_on_the_way_forward_and_back(database: OwnDatabase) -> None:
    database.migrate("auth")
    database.migrate(*BEFORE)
    database.do(
        "INSERT INTO bookings_notification (message_id, booking_id, kind, address)"
        " SELECT gen_random_uuid(), n, 'promoted', n || '@example.com'"
        " FROM generate_series(1, 1000) AS n"
    )
    database.do(
        "WITH readers AS (INSERT INTO auth_group (name) VALUES ('readers') RETURNING id)"
        " INSERT INTO auth_group_permissions (group_id, permission_id)"
        " SELECT readers.id, p.id FROM readers, auth_permission p"
        " WHERE p.codename = 'view_notification'"
    )
    rows = database.notifications()
    assert len(rows) == 1000
    assert database.who_may_see_them() == [("readers", "bookings")]

    database.migrate()
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "notifications")]

    database.migrate(*BEFORE)
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "bookings")]

    database.migrate()
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "notifications")]


def test_it_is_made_and_removed_with_the_others(database: OwnDatabase) -> None:
    exists = "SELECT to_regclass('bookings_notification') IS NOT NULL"
    database.migrate()
    assert database.notifications() == []

    database.migrate("bookings", "zero")
    assert database.ask(exists) == [(False,)]

    database.migrate()
    assert database.ask(exists) == [(True,)]
