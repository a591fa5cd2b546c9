"""Threads that really run at the same time and meet at a critical point.

A race test brings its threads to the same point: after they have read the data for their decision,
before they write. With the row lock they can't all get there: PostgreSQL shows that the others wait
for the row. Without it they all get there, every time: that is the test's control.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from tests.support.waiting import PATIENCE_SECONDS

Result = TypeVar("Result")

_WRITES = ("INSERT", "UPDATE", "WITH")


def at_once(
    calls: Sequence[Callable[[], Result]],
    *,
    around: Callable[[], AbstractContextManager[None]] | None = None,
) -> list[Result | Exception]:
    """Start all `calls` at the same moment, each in a thread with its own connection.

    What a call raises is its result.
    """
    start = threading.Barrier(len(calls))
    # The pool of connections is as small as in production: this thread's own goes back, too.
    connection.close()

    def run(call: Callable[[], Result]) -> Result | Exception:
        try:
            with ExitStack() as stack:
                if around is not None:
                    stack.enter_context(around())
                start.wait(timeout=PATIENCE_SECONDS)
                return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(run, calls))


class Rendezvous:
    """The point between reading and writing where `rivals` transactions wait for each other.

    They continue when all have arrived, or when the others can't: they wait for a lock in the
    database, or have ended. Nothing here depends on the speed of the machine.
    """

    def __init__(self, rivals: int) -> None:
        self._rivals = rivals
        self._mutex = threading.Lock()
        self._arrived = 0
        self._ended = 0
        self._over = threading.Event()
        self.all_met = False

    @contextmanager
    def before_writing(self) -> Iterator[None]:
        """For one thread: hold its first write until the others are about to write, too."""
        arrived = False

        def hold(
            execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
        ) -> Any:
            nonlocal arrived
            if not arrived and sql.lstrip().upper().startswith(_WRITES):
                arrived = True
                self._wait()
            return execute(sql, params, many, context)

        try:
            with connection.execute_wrapper(hold):
                yield
        finally:
            if not arrived:
                with self._mutex:
                    self._ended += 1

    def _wait(self) -> None:
        with self._mutex:
            if self._over.is_set():
                return
            self._arrived += 1
            if self._arrived == self._rivals:
                self.all_met = True
                self._over.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._over.wait(0.02):
            with self._mutex:
                missing = self._rivals - self._arrived - self._ended
            if waiting_for_a_lock() >= missing:
                self._over.set()
            assert time.monotonic() < deadline, f"{missing} rivals neither came nor wait for a lock"


def waiting_for_a_lock() -> int:
    """How many sessions of this database wait for a lock that another one holds."""
    with connection.cursor() as cursor:
        # The view stands still within a transaction, unless it is told not to.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            f"SELECT count(*) FROM {_sessions()}"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        count: int = cursor.fetchone()[0]
    return count


def _sessions() -> str:
    """Those of all nodes, where tables are distributed."""
    return "citus_stat_activity" if settings.DISTRIBUTED else "pg_stat_activity"


def leave_out_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read as before, but not locked."""

    def unlocked(self: QuerySet[Any], **options: Any) -> QuerySet[Any]:
        return self.all()

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
