"""Compares the simulation with a real sale: `make bench-capacity`.

The API, with one worker, and PostgreSQL share one core; the crowd has another. The costs are those
of this run, measured right before on the same core, so only the simulation is tested, not the
machine.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import psutil

from bench import generator, usage
from bench.capacity import crowd
from bench.capacity.arguments import count, positive
from bench.capacity.crowd import Seen
from bench.capacity.simulation import Outcome, Sale, Service, simulate
from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.generator import Load
from bench.seed import Events, Seeder
from bench.server import Server, running_server

WARM_UP_SECONDS = 3
COST_SECONDS = 4
CONNECTIONS = 256


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.capacity.check", description=__doc__)
    parser.add_argument("--people", type=count, default=10_000, help="default 10,000")
    parser.add_argument("--seats", type=count, default=500, help="default 500")
    parser.add_argument("--half-life", type=positive, default=1.5, help="seconds; default 1.5")
    options = parser.parse_args()
    if options.people <= options.seats:
        parser.error("there must be more people than seats")
    sale = Sale(people=options.people, seats=options.seats, half_life=options.half_life)
    try:
        service, seen = _measure(sale)
    except BenchError as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 1
    print(_report(sale, service, simulate(sale, service), seen))
    return 0


def _measure(sale: Sale) -> tuple[Service, Seen]:
    os.environ["BOOKING_WORKERS"] = "1"
    with (
        tempfile.TemporaryDirectory() as name,
        fresh_database("booking") as database,
        running_server(database.url, Path(name) / "api.log") as server,
    ):
        _on_core(0, server.process, database.postmaster())
        _on_core(1, psutil.Process())
        seeder = Seeder(database)
        _load(server, seeder.events(seats=1_000_000), seconds=WARM_UP_SECONDS)
        service = Service(
            cores=1.0,
            booking_us=_cost(server, database, seeder.events(seats=1_000_000)),
            refusal_us=_cost(server, database, seeder.events(seats=1)),
        )
        events = seeder.events(seats=sale.seats)
        seen = crowd.run(server.url, events.first, sale)
        booked = database.value("SELECT count(*) FROM bookings_booking")
        if booked != sale.seats or len(seen.waits) != sale.people:
            raise BenchError(f"{booked} booked, {len(seen.waits)} answered")
        return service, seen


def _on_core(core: int, *roots: psutil.Process | None) -> None:
    for root in roots:
        for process in (root, *root.children(recursive=True)) if root else ():
            process.cpu_affinity([core % (os.cpu_count() or 1)])


def _load(server: Server, events: Events, *, seconds: int) -> Load:
    return generator.run(
        server.url,
        "book",
        (events.first, 1, 10**12, "close"),
        connections=CONNECTIONS,
        seconds=seconds,
    )


def _cost(server: Server, database: Database, events: Events) -> float:
    """Microseconds of CPU of API and PostgreSQL for one answer on a new connection."""
    processes = (server.process, database.postmaster())
    before = sum(map(usage.cpu_seconds, processes))
    load = _load(server, events, seconds=COST_SECONDS)
    server.wait_until_quiet()
    return (sum(map(usage.cpu_seconds, processes)) - before) / (load.rate * load.seconds) * 1e6


def _report(sale: Sale, service: Service, simulated: Outcome, seen: Seen) -> str:
    rows = [
        ("sold out after, s", simulated.sold_out_at or 0.0, seen.sold_out_at or 0.0),
        ("half wait at most, s", simulated.longest_wait(0.5), seen.longest_wait(0.5)),
        ("90 of 100 wait at most, s", simulated.longest_wait(0.9), seen.longest_wait(0.9)),
        ("99 of 100 wait at most, s", simulated.longest_wait(0.99), seen.longest_wait(0.99)),
        ("asked again", simulated.asked_again, float(seen.asked_again)),
    ]
    lines = [
        f"{sale.people:,} people, {sale.seats:,} seats, half of the people within "
        f"{sale.half_life:g} s; {service.booking_us:.0f} µs a booking, {service.refusal_us:.0f} µs "
        "a refusal",
        f"{'':28}{'simulated':>10}{'real':>10}",
        *(f"{name:28}{model:10.1f}{real:10.1f}" for name, model, real in rows),
        f"answers: {dict(seen.answers)}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
