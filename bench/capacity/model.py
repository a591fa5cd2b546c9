"""Turns costs into cores, and names what ends first when cores don't."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from bench.capacity.costs import Cost, Costs

# `ADMISSION_MAX_GROUP`, as it is if nobody sets it: no transaction decides on more.
LARGEST_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What is asked a second: seats booked, bookings refused, and statuses read. `events` are on
    sale at once and share the bookings equally."""

    bookings: float
    refusals: float = 0.0
    reads: float = 0.0
    events: int = 1

    def of(self, costs: Costs) -> Iterator[tuple[float, Cost]]:
        yield self.bookings, costs.booking
        yield self.refusals, costs.refusal
        yield self.reads, costs.status


@dataclass(frozen=True, kw_only=True)
class Limit:
    """`most` bookings a second are possible because of `what`."""

    what: str
    most: float
    remedy: str


def cores(demand: Demand, costs: Costs, *, busy: float) -> dict[str, int]:
    """Cores by process, if each may be `busy` of the time (0 to 1). Processes that use less than a
    hundredth of a core are left out."""
    used: dict[str, float] = {}
    for rate, cost in demand.of(costs):
        for process, cpu_us in cost.cpu_us.items():
            used[process] = used.get(process, 0.0) + rate * cpu_us / 1e6
    return {process: ceil(each / busy) for process, each in used.items() if each >= 0.01}


def wal_bytes_per_second(demand: Demand, costs: Costs) -> float:
    return sum(rate * cost.wal_bytes for rate, cost in demand.of(costs))


def sent_bits_per_second(demand: Demand, costs: Costs) -> float:
    return 8 * sum(rate * cost.sent_bytes for rate, cost in demand.of(costs))


def limits(
    demand: Demand, costs: Costs, *, wal_mb_per_second: float, network_gbit: float
) -> list[Limit]:
    """The lowest first. All are for this mix of bookings, refusals and reads, and say nothing about
    the number of cores."""
    per_booking = 1 / demand.bookings
    row = costs.row.commands_per_second(batch=LARGEST_BATCH)
    found = [
        Limit(
            what="the row of one event, which one transaction holds at a time",
            most=row * demand.events,
            remedy="sell more events at once; one event has no remedy",
        ),
        Limit(
            what=f"{wal_mb_per_second:g} MB/s of write-ahead log",
            most=wal_mb_per_second * 1e6 / (wal_bytes_per_second(demand, costs) * per_booking),
            remedy="faster disks; distribute events over several databases",
        ),
        Limit(
            what=f"a network of {network_gbit:g} Gbit/s in front of the API",
            most=network_gbit * 1e9 / (sent_bits_per_second(demand, costs) * per_booking),
            remedy="more balancers",
        ),
    ]
    if relay_us := costs.booking.cpu_us.get("relay"):
        found.append(
            Limit(
                what="the relay, of which one works at a time, on one core",
                most=1e6 / relay_us,
                remedy="none is needed: bookings go on, and their messages come later",
            )
        )
    return sorted(found, key=lambda limit: limit.most)
