"""A database of a test's own, to migrate forward and back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

ROOT = Path(__file__).parents[3]


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

    @classmethod
    @contextmanager
    def created(cls) -> Iterator[Self]:
        parts = urlsplit(os.environ["BOOKING_DATABASE_URL"])
        name = f"migration_{uuid4().hex}"
        with psycopg.connect(urlunsplit(parts), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
            try:
                yield cls(urlunsplit(parts._replace(path=f"/{name}")))
            finally:
                server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
