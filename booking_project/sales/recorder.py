"""Counts what this process decides, and writes it down about once a second.

Bookings only ever add to numbers in memory. A thread (a greenlet under gevent) of its own writes
them, and runs only while there is something to write. What can't be written is lost: these are
statistics, and must neither delay a booking nor fill the memory.
"""

import functools
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError

from booking_project.bookings.signals import Counts, Outcome
from booking_project.sales.services import sale_record
from shared.db.release import release_connection

logger = logging.getLogger(__name__)

MAX_EVENTS = 10_000


class Recorder:
    """`write` stores counts that are not stored yet."""

    def __init__(self, write: Callable[[Counts], None]) -> None:
        self._write = write
        self._mutex = threading.Lock()
        self._counts: dict[int, Counter[Outcome]] = {}
        self._dropped = 0
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, counts: Counts) -> None:
        """Count these, and have them written soon."""
        self._take(counts)
        if not self._something.is_set():
            self._something.set()
            self._ensure_thread()

    def flush(self) -> None:
        """Write what has been counted since the last time. Never raises."""
        with self._mutex:
            counts, self._counts = self._counts, {}
            dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.warning("did not record %d outcomes: too many events at once", dropped)
        if not counts:
            return
        try:
            self._write(counts)
        except DatabaseError as error:
            lost = sum(counter.total() for counter in counts.values())
            logger.warning("did not record %d outcomes of %d events: %s", lost, len(counts), error)
        except Exception:
            logger.exception("did not record the outcomes of %d events", len(counts))
        finally:
            release_connection()

    def _take(self, counts: Counts) -> None:
        with self._mutex:
            for event_id, outcomes in counts.items():
                of_event = self._counts.get(event_id)
                if of_event is None:
                    if len(self._counts) >= MAX_EVENTS:
                        self._dropped += sum(outcomes.values())
                        continue
                    of_event = self._counts[event_id] = Counter()
                # `Counter.update` takes three times as long.
                for outcome, count in outcomes.items():
                    of_event[outcome] += count

    def _ensure_thread(self) -> None:
        """Started with the first counts, so that it belongs to this process: a fork copies no
        threads, and gevent must have patched the standard library before."""
        with self._mutex:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sales", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            # All processes write at the turn of a second, and so fill the same rows.
            time.sleep(1 - time.time() % 1)
            self.flush()


@functools.cache
def _recorder() -> Recorder:
    return Recorder(sale_record)


# What the parent has counted is the parent's to write.
os.register_at_fork(after_in_child=_recorder.cache_clear)


def record(*, counts: Counts, **_: Any) -> None:
    """A receiver of `decided`."""
    _recorder().add(counts)


def stop(**_: Any) -> None:
    """A receiver of `stopping`."""
    _recorder().flush()
