"""Whether the service's own database can be used: it answers, and its tables are those of this
version."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from shared.db.release import release_connection

ANSWER_SECONDS = 1.0


class Readiness(NamedTuple):
    """`complaint` is empty if the database is ready. `measured` is what `measure` returned."""

    complaint: str
    measured: float = 0


class DatabaseReadiness:
    """One attempt runs at a time. Probes that arrive meanwhile wait for it, so a frozen database
    ties up one connection, however often it is asked about."""

    def __init__(self, *, measure: Callable[[], float]) -> None:
        """`measure` reads a number from the database; it shows that it answers, too."""
        self._measure = measure
        self._mutex = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._attempt: Future[Readiness] | None = None
        self._is_set_up = False

    def check(self) -> Readiness:
        """Waits at most `ANSWER_SECONDS`."""
        with self._mutex:
            if self._attempt is None or self._attempt.done():
                self._attempt = self._threads.submit(self._try)
            attempt = self._attempt
        try:
            return attempt.result(timeout=ANSWER_SECONDS)
        except NotDone:
            return Readiness(f"the database has not answered within {ANSWER_SECONDS:g} s")

    def _try(self) -> Readiness:
        try:
            # Tables aren't changed back under a running process.
            complaint = "" if self._is_set_up else _complaint()
            self._is_set_up = not complaint
            if complaint:
                return Readiness(complaint)
            return Readiness("", self._measure())
        except Error:
            return Readiness("the database is away")
        finally:
            release_connection()


def _complaint() -> str:
    missing = _missing_migrations()
    if missing:
        return f"migrations are missing: {', '.join(missing)}"
    return next(filter(None, (import_string(check)() for check in settings.READINESS)), "")


def _missing_migrations() -> Sequence[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
