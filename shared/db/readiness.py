"""Whether the service's own database can be used: it answers, and its tables are those of this
version."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from shared.db.release import release_connection

ANSWER_SECONDS = 1.0


class DatabaseReadiness:
    """One attempt runs at a time. Probes that arrive meanwhile wait for it, so a frozen database
    ties up one connection, however often it is asked about."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._attempt: Future[str] | None = None
        self._is_migrated = False

    def complaint(self) -> str:
        """Empty if the database is ready. Waits at most `ANSWER_SECONDS`."""
        with self._mutex:
            if self._attempt is None or self._attempt.done():
                self._attempt = self._threads.submit(self._try)
            attempt = self._attempt
        try:
            return attempt.result(timeout=ANSWER_SECONDS)
        except NotDone:
            return f"the database has not answered within {ANSWER_SECONDS:g} s"

    def _try(self) -> str:
        try:
            if self._is_migrated:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return ""
            missing = _missing_migrations()
        except Error:
            return "the database is away"
        finally:
            release_connection()
        # Migrations aren't taken back under a running process.
        self._is_migrated = not missing
        return f"migrations are missing: {', '.join(missing)}" if missing else ""


def _missing_migrations() -> Sequence[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
