"""What one request costs, read from the results of `make bench BENCH=--whole`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError

MEASURED = Path(__file__).parent / "measured.json"
MOST_CONNECTIONS = 512
FEWER_CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one answer: microseconds of CPU by process, bytes of write-ahead log, bytes sent."""

    cpu_us: Mapping[str, float]
    wal_bytes: float
    sent_bytes: float


@dataclass(frozen=True, kw_only=True)
class RowLock:
    """How long a transaction holds one event's row: `fixed` seconds, and `each` for every command
    in it."""

    fixed: float
    each: float

    def commands_per_second(self, *, batch: int) -> float:
        return batch / (self.fixed + batch * self.each)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """`about` says on what machine, and with which versions, they were measured."""

    booking: Cost
    refusal: Cost
    status: Cost
    row: RowLock
    about: str


def read_costs(path: Path = MEASURED) -> Costs:
    """Raises `BenchError` if the file isn't there, or lacks a scenario."""
    try:
        document = json.loads(path.read_text())
        medians = {(each["scenario"], each["connections"]): each for each in document["medians"]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BenchError(f"{path} can't be read: {error}") from None
    try:
        fill, fewer, sale, status = (
            medians[scenario]
            for scenario in (
                ("hot_fill", MOST_CONNECTIONS),
                ("hot_fill", FEWER_CONNECTIONS),
                ("hot_sale", MOST_CONNECTIONS),
                ("status_read", MOST_CONNECTIONS),
            )
        )
        return Costs(
            booking=_cost(fill),
            refusal=_cost(sale),
            status=_cost(status),
            row=_row(fewer["batches"], fill["batches"]),
            about=_about(document),
        )
    except KeyError as error:
        raise BenchError(
            f"{path} has no {error}: it is not from `make bench BENCH=--whole`"
        ) from None


def _cost(median: Mapping[str, Any]) -> Cost:
    return Cost(
        cpu_us=median["cpu_us"],
        wal_bytes=median["wal_bytes"],
        sent_bytes=median["received_bytes"],
    )


def _row(*batches: Mapping[str, float]) -> RowLock:
    """The line through a small and a large batch. If the large one is no larger, all of its time
    counts as that of its commands."""
    (size, seconds), (larger, longer) = (
        (each["commands"] / each["number"], (each["seconds"] - each["waiting"]) / each["number"])
        for each in batches
    )
    each = (longer - seconds) / (larger - size) if larger > size else 0.0
    fixed = longer - each * larger
    if each <= 0 or fixed < 0:
        return RowLock(fixed=0.0, each=longer / larger)
    return RowLock(fixed=fixed, each=each)


def _about(document: Mapping[str, Any]) -> str:
    versions = document["versions"]
    return (
        f"measured on {document['cpus']} CPUs with Python {versions['python']} and "
        f"PostgreSQL {versions['postgresql']}, {document['at'][:10]}"
    )
