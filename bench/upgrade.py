"""How long bookings wait while the booking database is migrated, from the first version's tables.

Clients book all the time, with the statements that each version can use: lock the event, insert the
booking, count it. Another connection samples how long anything waits for a table's lock.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.processes import ROOT, manage, own_environment
from devstack import signals
from devstack.errors import Interrupted

APP = "bookings"
FIRST = "0001"
EVENTS = 10_000
BATCH = 250_000
CLIENTS = 4
SAMPLE_SECONDS = 0.02
PAUSE_SECONDS = 0.005

_FILL_EVENTS = """
    INSERT INTO bookings_event
           (id, name, max_seats, waitlist_limit, price, booking_start_at, booking_end_at,
            created_at, updated_at, version, cancelled_at,
            confirmed_count, waitlisted_count, last_waitlist_order,
            honoured_seats, honoured_waitlist)
    SELECT id, 'Concert ' || id, 1000000000, 0, 2500, now() - interval '1 year',
           now() + interval '1 day', now(), now(), 1,
           CASE WHEN id %% 100 = 0 THEN now() END, 0, 0, 0, 0, 0
      FROM generate_series(1, %s) AS id
"""
_FILL_BOOKINGS = """
    INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
    SELECT 1 + place %% %s, 'visitor-' || place,
           CASE WHEN place %% 3 = 0 THEN 'cancelled' ELSE 'confirmed' END, now(), now()
      FROM generate_series(%s::bigint, %s::bigint) AS place
"""
_LOCK = "SELECT id FROM bookings_event WHERE id = %s FOR UPDATE"
_BOOK = """
    INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
    VALUES (%s, %s, 'confirmed', now(), now())
"""
_COUNT = "UPDATE bookings_event SET confirmed_count = confirmed_count + 1 WHERE id = %s"
_LONGEST_WAIT = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float
      FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND waitstart IS NOT NULL
"""


@dataclass
class Waits:
    """In seconds."""

    bookings: list[float] = field(default_factory=list)
    for_a_table: float = 0.0

    @property
    def longest(self) -> float:
        return max(self.bookings, default=0.0)


@dataclass(frozen=True)
class Step:
    name: str
    seconds: float
    waits: Waits


class Clients:
    """Book and sample in the background. `waits` is replaced between steps."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.waits = Waits()
        self._ended = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            *(threading.Thread(target=self._guarded, args=[self._book]) for _ in range(CLIENTS)),
            threading.Thread(target=self._guarded, args=[self._sample]),
        ]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()
        if self._errors:
            raise BenchError(f"a booking failed: {self._errors[0]!r}")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)

    def _book(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(PAUSE_SECONDS):
                waits, began = self.waits, time.monotonic()
                event = random.randrange(1, EVENTS + 1)
                with connection.transaction():
                    connection.execute(_LOCK, [event])
                    connection.execute(_BOOK, [event, f"client-{random.getrandbits(64)}"])
                    connection.execute(_COUNT, [event])
                waits.bookings.append(time.monotonic() - began)

    def _sample(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(SAMPLE_SECONDS):
                row = connection.execute(_LONGEST_WAIT).fetchone()
                assert row is not None
                self.waits.for_a_table = max(self.waits.for_a_table, row[0])


def measure(bookings: int) -> list[Step]:
    """One step for each migration of the bookings, and one for those of all other apps."""
    with fresh_database("booking") as database:
        environment = own_environment(
            BOOKING_DATABASE_URL=database.url, DATABASE_WAITS="unlimited", DEBUG="false"
        )
        # Each migration is followed by Django's own work, which needs these tables.
        manage("booking", environment, "migrate", "--verbosity=0", "auth")
        manage("booking", environment, "migrate", "--verbosity=0", APP, FIRST)
        _fill(database, bookings)
        clients = Clients(database.url)
        steps = []
        with clients.running():
            for words in [*([APP, name] for name in _names()), []]:
                clients.waits = Waits()
                began = time.monotonic()
                manage("booking", environment, "migrate", "--verbosity=0", *words)
                seconds = time.monotonic() - began
                steps.append(Step(" ".join(words) or "other apps", seconds, clients.waits))
        return steps


def _names() -> list[str]:
    files = (ROOT / "booking_project" / APP / "migrations").glob("0*.py")
    return sorted(file.stem for file in files if not file.stem.startswith(FIRST))


def _fill(database: Database, bookings: int) -> None:
    database.connection.execute(_FILL_EVENTS, [EVENTS])
    for first in range(1, bookings + 1, BATCH):
        last = min(first + BATCH - 1, bookings)
        database.connection.execute(_FILL_BOOKINGS, [EVENTS, first, last])
    database.connection.execute("VACUUM ANALYZE bookings_event, bookings_booking")
    database.connection.execute("CHECKPOINT")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.upgrade", description=__doc__)
    parser.add_argument(
        "--bookings", type=int, default=5_000_000, help="in the database (default 5,000,000)"
    )
    parser.add_argument(
        "--limit", type=float, help="fail if a booking takes longer than so many seconds"
    )
    options = parser.parse_args()
    signals.raise_interrupted()
    try:
        steps = measure(options.bookings)
    except BenchError as error:
        print(f"bench.upgrade: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    print("\n".join(_lines(steps)))
    longest = max(step.waits.longest for step in steps)
    return 1 if options.limit is not None and longest > options.limit else 0


def _lines(steps: Sequence[Step]) -> Iterator[str]:
    yield (
        f"{'in seconds':<54}{'takes':>8}{'booking, longest':>19}{'for a table':>24}{'bookings':>11}"
    )
    for step in steps:
        yield (
            f"{step.name:<54}{step.seconds:>8.1f}{step.waits.longest:>19.3f}"
            f"{step.waits.for_a_table:>24.3f}{len(step.waits.bookings):>11,}"
        )


if __name__ == "__main__":
    sys.exit(main())
