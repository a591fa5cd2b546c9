"""How many cores a sale needs, and what ends first: `python -m bench.capacity --help`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.capacity.arguments import count, not_negative, positive, share
from bench.capacity.costs import MEASURED, Costs, read_costs
from bench.capacity.model import (
    LARGEST_BATCH,
    Demand,
    cores,
    limits,
    sent_bits_per_second,
    wal_bytes_per_second,
)
from bench.capacity.room import simulate_room
from bench.capacity.simulation import LONGEST, Sale, Service, simulate
from bench.errors import BenchError


def main() -> int:
    options = _parser().parse_args()
    try:
        costs = read_costs(options.results)
    except BenchError as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 1
    for line in (*_cores(options, costs), "", *_sale(options, costs)):
        print(line)
    return 0


def _cores(options: argparse.Namespace, costs: Costs) -> Iterator[str]:
    demand = Demand(
        bookings=options.bookings_per_second,
        refusals=options.refusals_per_second,
        reads=options.reads_per_second,
        events=options.events,
    )
    yield (
        f"{demand.bookings:,g} bookings, {demand.refusals:,g} refusals and {demand.reads:,g} reads "
        f"a second, on {demand.events} event{'s'[: demand.events > 1]}. Costs were {costs.about}."
    )
    yield ""
    yield f"Cores, each at most {options.busy:.0%} busy:"
    for process, number in cores(demand, costs, busy=options.busy).items():
        yield f"  {process:12} {number:6,}"
    yield f"Write-ahead log: {wal_bytes_per_second(demand, costs) / 1e6:,.1f} MB/s"
    yield f"Answers:         {sent_bits_per_second(demand, costs) / 1e9:,.2f} Gbit/s"
    yield ""
    yield "What ends first, whatever the number of cores:"
    found = limits(
        demand,
        costs,
        wal_mb_per_second=options.wal_mb_per_second,
        network_gbit=options.network_gbit,
    )
    for limit in found:
        mark = "!" if limit.most < demand.bookings else " "
        yield f"{mark} {limit.most:10,.0f} bookings/s  {limit.what} ({limit.remedy})"


def _sale(options: argparse.Namespace, costs: Costs) -> Iterator[str]:
    sale = Sale(people=options.people, seats=options.seats, half_life=options.half_life)
    api = options.api_cores
    service = Service(
        cores=api * options.busy,
        booking_us=costs.booking.cpu_us["api"],
        refusal_us=costs.refusal.cpu_us["api"],
        row_per_second=costs.row.commands_per_second(batch=LARGEST_BATCH),
    )
    outcome = simulate(sale, service)
    yield (
        f"A sale of {sale.seats:,} seats of one event to {sale.people:,} people, half of whom come "
        f"within {sale.half_life:g} s, on {api:g} cores of the API:"
    )
    yield f"  most who come in a second  {outcome.peak_per_second:10,.0f}"
    sold_out = "never" if outcome.sold_out_at is None else f"{outcome.sold_out_at:,.1f} s"
    yield f"  sold out after             {sold_out:>10}"
    yield f"  have answers after {LONGEST:g} s   {outcome.answered:10,.0f}"
    yield f"  half wait at most          {outcome.longest_wait(0.5):10,.1f} s"
    yield f"  99 of 100 wait at most     {outcome.longest_wait(0.99):10,.1f} s"
    yield f"  ask again after {sale.patience:g} s       {outcome.asked_again:10,.0f} times"
    rate = options.waiting_room_rate
    if rate is None:
        return
    room = simulate_room(sale, service, rate=rate, join_us=service.refusal_us)
    yield ""
    yield f"The same with a waiting room that lets in {rate:,g} a second:"
    sold_out = "never" if room.sold_out_at is None else f"{room.sold_out_at:,.1f} s"
    yield f"  sold out after             {sold_out:>10}"
    yield f"  have a place within        {room.longest_join:10,.1f} s"
    yield f"  longest line               {room.longest_line:10,.0f}"
    yield f"  in line when it sells out  {room.in_line_at_the_end:10,.0f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.capacity",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--bookings-per-second", type=positive, default=1000, help="of all events")
    add("--refusals-per-second", type=not_negative, default=0, help="of all events")
    add("--reads-per-second", type=not_negative, default=0, help="of an event's status")
    add("--events", type=count, default=1, help="on sale at once")
    add("--busy", type=share, default=0.6, help="part of the time that a core may work")
    add("--wal-mb-per-second", type=positive, default=200, help="what the disk can write")
    add("--network-gbit", type=positive, default=10, help="in front of the API")
    add("--people", type=count, default=1_000_000, help="of the simulated sale")
    add("--seats", type=count, default=50_000, help="of the simulated sale")
    add("--half-life", type=positive, default=30, help="seconds in which half of the people come")
    add("--api-cores", type=positive, default=16, help="of the simulated sale")
    add("--waiting-room-rate", type=positive, help="people a second; simulates a waiting room")
    add("--results", type=Path, default=MEASURED, help="of `make bench BENCH=--whole`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
