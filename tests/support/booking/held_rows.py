"""A row that another connection has locked, and the requests that wait for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection

from booking_project.bookings.models import Event
from booking_project.bookings.services import bookings
from tests.support.concurrency import at_once, waiting_for_a_lock


def stranger() -> psycopg.Connection[tuple[object, ...]]:
    """A connection of another process."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: parameters[name] for name in names if name in parameters})


@contextmanager
def held(event: Event) -> Iterator[Callable[[], None]]:
    """Another connection locks this row until the block ends or the yielded function is called."""
    with stranger() as other:
        other.execute("SELECT 1 FROM bookings_event WHERE id = %s FOR UPDATE", [event.pk])
        yield other.rollback


@contextmanager
def in_background(call: Callable[[], object]) -> Iterator[list[object]]:
    """Runs `call` beside the block and waits for it at the end. Yields a list for its result."""
    results: list[object] = []

    def run() -> None:
        results.extend(at_once([call]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield results
    finally:
        thread.join()


@contextmanager
def database_patience(*, lock_seconds: float, pool_seconds: float | None = None) -> Iterator[None]:
    """How long this process waits for a row and for a pooled connection (None: unchanged)."""
    configured = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.close_pool()
    pool = configured["pool"]
    connection.settings_dict["OPTIONS"] = {
        **configured,
        "options": f"{configured['options']} -c lock_timeout={int(lock_seconds * 1000)}",
        "pool": pool if pool_seconds is None else {**pool, "timeout": pool_seconds},
    }
    _set_on_nodes(lock_seconds * 1000)
    yield
    _set_on_nodes(settings.LOCK_TIMEOUT_MS)
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"] = configured


def _set_on_nodes(milliseconds: float) -> None:
    """Their sessions begin when they are first needed, and end with ours."""
    if settings.DISTRIBUTED:
        with stranger() as other:
            other.execute(
                "SELECT run_command_on_all_nodes(format("
                "'ALTER DATABASE %%I SET lock_timeout = %%L', current_database(), %s::int))",
                [int(milliseconds)],
            )


def waiting_for_a_row(count: int) -> bool:
    return waiting_for_a_lock() >= count


def in_queue_of(event: Event) -> int:
    """How many commands wait for this event's row, including those that wait in the database."""
    queue = bookings._admission()._by_event.get(event.pk)
    return queue.batcher.size if queue else 0
