"""What a process that books reports about itself."""

from typing import Any

from prometheus_client import Counter, Histogram

_DECISIONS = Counter(
    "booking_decisions",
    "Transitions of bookings, such as promoted, and refusals by their code",
    ["outcome"],
)
BATCH_SIZE = Histogram(
    "booking_batch_size",
    "Bookings and cancellations that were decided together",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000),
)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_SECONDS = Histogram(
    "booking_batch_seconds", "From the first statement of a batch to its commit", buckets=_SECONDS
)
LOCK_SECONDS = Histogram(
    "booking_lock_seconds",
    "The wait for an event's row, with the reads that follow in the same round trip",
    buckets=_SECONDS,
)


WAITING_ROOM = Counter(
    "waiting_room",
    "People who joined a waiting room, and bookings that it refused without asking the database",
    ["outcome"],
)


def count_decisions(*, counts: Any, **_: Any) -> None:
    """A receiver of `decided`."""
    for outcomes in counts.values():
        for outcome, count in outcomes.items():
            _DECISIONS.labels(outcome).inc(count)
