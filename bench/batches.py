"""How many commands the API decided together, and for how long it held the event's row."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.server import Server


@dataclass(frozen=True, kw_only=True)
class Batches:
    """`seconds` is the sum over all, from each one's first statement to its commit; `waiting` is
    how much of it passed until the row was locked and read."""

    number: float
    commands: float
    seconds: float
    waiting: float

    def since(self, earlier: "Batches") -> "Batches | None":
        """None if there was none."""
        number = self.number - earlier.number
        if not number:
            return None
        return Batches(
            number=number,
            commands=self.commands - earlier.commands,
            seconds=self.seconds - earlier.seconds,
            waiting=self.waiting - earlier.waiting,
        )

    @property
    def mean_size(self) -> float:
        return self.commands / self.number


def batches(server: Server) -> Batches:
    """Of all processes of the API, since they started."""
    answer = httpx.get(f"{server.url}/metrics").raise_for_status()
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if not sample.labels
    }
    return Batches(
        number=samples.get("booking_batch_seconds_count", 0.0),
        commands=samples.get("booking_batch_size_sum", 0.0),
        seconds=samples.get("booking_batch_seconds_sum", 0.0),
        waiting=samples.get("booking_lock_seconds_sum", 0.0),
    )


def median_of(found: Sequence[Batches | None]) -> Batches | None:
    """The run whose mean size is the median."""
    some = sorted((each for each in found if each), key=lambda each: each.mean_size)
    return some[len(some) // 2] if some else None
