"""A row that somebody else holds, those who wait for it, and how long they do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from booking_project.bookings.models import Event
from booking_project.bookings.services import bookings
from tests.support.concurrency import at_once, waiting_for_a_lock


def stranger() -> psycopg.Connection[tuple[object, ...]]:
    """A connection of somebody who is not this process."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: parameters[name] for name in names if name in parameters})


@contextmanager
def held(event: Event) -> Iterator[Callable[[], None]]:
    """Somebody else holds this row, until the block ends or what is yielded is called."""
    with stranger() as other:
        other.execute("SELECT 1 FROM bookings_event WHERE id = %s FOR UPDATE", [event.pk])
        yield other.rollback


@contextmanager
def in_background(call: Callable[[], object]) -> Iterator[list[object]]:
    """Run `call` beside the block and wait for it at its end; what came of it is listed."""
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
    """This process waits so long for a row, and for a connection of its pool (None: as before)."""
    configured = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.close_pool()
    pool = configured["pool"]
    connection.settings_dict["OPTIONS"] = {
        **configured,
        "options": f"{configured['options']} -c lock_timeout={int(lock_seconds * 1000)}",
        "pool": pool if pool_seconds is None else {**pool, "timeout": pool_seconds},
    }
    yield
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"] = configured


def waiting_for_a_row(count: int) -> bool:
    return waiting_for_a_lock() >= count


def in_queue_of(event: Event) -> int:
    """How many commands wait for this event's row, those that wait in the database included."""
    queue = bookings._admission()._by_event.get(event.pk)
    return queue.batcher.size if queue else 0
