"""What a booking costs each node of a cluster, and the API: many events are filled at once.

With `CITUS_DATABASE_URL` on that cluster, else on one PostgreSQL.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from bench import generator
from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.processes import listener, manage, own_environment
from bench.seed import Seeder
from bench.server import running_server
from bench.usage import cpu_seconds
from devstack import citus, signals
from devstack.errors import Interrupted

WARM_UP_SECONDS = 3
API = "API"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.nodes", description=__doc__)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args()
    signals.raise_interrupted()
    try:
        with _database() as (database, nodes), tempfile.TemporaryDirectory() as folder:
            parts = {name: _server_at(name) for name in nodes}
            with running_server(database.url, Path(folder) / "api.log") as server:
                parts[API] = server.process
                seeder = Seeder(database)

                def book(seconds: int) -> generator.Load:
                    events = seeder.events(number=options.events, seats=1_000_000)
                    return generator.run(
                        server.url,
                        "book",
                        (events.first, events.number, 10**12),
                        connections=options.connections,
                        seconds=seconds,
                    )

                book(WARM_UP_SECONDS)
                server.wait_until_quiet()
                before = {name: cpu_seconds(part) for name, part in parts.items()}
                load = book(options.seconds)
                server.wait_until_quiet()
                spent = {name: cpu_seconds(part) - before[name] for name, part in parts.items()}
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except BenchError as error:
        print(f"bench.nodes: {error}", file=sys.stderr)
        return 1
    print("\n".join(_lines(load, spent, events=options.events)))
    return 0


@contextmanager
def _database() -> Iterator[tuple[Database, list[str]]]:
    """Migrated, and distributed if it is a cluster's; with the addresses of its nodes."""
    url = os.environ.get(citus.URL)
    if not url:
        with fresh_database("booking") as database:
            yield database, [urlsplit(database.url).netloc.rpartition("@")[2]]
        return
    with citus.fresh_database(url, f"bench_booking_{os.getpid()}") as own:
        environment = own_environment(BOOKING_DATABASE_URL=own, DEBUG="false")
        manage("booking", environment, "migrate", "--verbosity=0")
        manage("booking", environment, "distribute", "--yes")
        with psycopg.connect(own, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT nodename || ':' || nodeport FROM pg_dist_node ORDER BY groupid"
            )
            yield Database(url=own, connection=connection), [address for (address,) in rows]


def _server_at(address: str) -> psutil.Process:
    found = listener(int(address.rpartition(":")[2]))
    if found is None:
        raise BenchError(f"the server at {address} doesn't run on this machine, or not visibly")
    return found


def _lines(load: generator.Load, spent: Mapping[str, float], *, events: int) -> Iterator[str]:
    booked = load.answered("201 confirmed")
    others = sum(load.answers.values()) - booked
    yield f"{booked:,} bookings of {events} events in {load.seconds:.0f} s; {others} other answers"
    yield f"{'':<24}{'µs of CPU a booking':>20}{'share':>8}"
    databases = sum(seconds for name, seconds in spent.items() if name != API)
    for name, seconds in spent.items():
        share = "" if name == API else f"{seconds / databases:.0%}"
        yield f"{name:<24}{seconds / booked * 1e6:>20,.0f}{share:>8}"
    yield f"{'all nodes':<24}{databases / booked * 1e6:>20,.0f}"


if __name__ == "__main__":
    sys.exit(main())
