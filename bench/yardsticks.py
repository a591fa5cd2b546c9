"""Yardsticks: what the same machine does at the same time with nothing to decide."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench import generator, usage
from bench.database import Database
from bench.errors import BenchError
from bench.seed import Seeder
from bench.server import Server

EMPTY_PATH = "/api/v1/empty"
BARE_PATH = "/bare"  # of `yardstick_wsgi`, which can't be imported without the service's settings

SCRIPTS = Path(__file__).parent / "pgbench"
EVENTS = 200
# As many as the scenarios have connections, and a few, because a hot row does better with few.
CLIENTS = (4, 64)


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """`rate` in answers per second, `cpu_us` in microseconds of the API's CPU per answer."""

    rate: float
    cpu_us: float


def empty_view(server: Server, method: str, *, connections: int, seconds: int) -> Yardstick:
    """An API view that does nothing."""
    return _nothing(server, method, EMPTY_PATH, connections=connections, seconds=seconds)


def bare_application(server: Server, method: str, *, connections: int, seconds: int) -> Yardstick:
    """A WSGI application without Django, on the same server."""
    return _nothing(server, method, BARE_PATH, connections=connections, seconds=seconds)


def _nothing(
    server: Server, method: str, path: str, *, connections: int, seconds: int
) -> Yardstick:
    before = usage.cpu_seconds(server.process)
    load = generator.run(
        server.url, "empty", (method, path), connections=connections, seconds=seconds
    )
    used = usage.cpu_seconds(server.process) - before
    if load.answers.keys() != {"200"}:
        raise BenchError(f"{path} answered {dict(load.answers)}")
    return Yardstick(rate=load.rate, cpu_us=used / load.answered("200") * 1e6)


def postgres_rates(
    name: str, database: Database, seeder: Seeder, *, seconds: int
) -> dict[int, float]:
    """Transactions per second of a pgbench script, by number of clients."""
    return {
        clients: _pgbench(name, database, seeder, clients=clients, seconds=seconds)
        for clients in CLIENTS
    }


def _pgbench(name: str, database: Database, seeder: Seeder, *, clients: int, seconds: int) -> float:
    if name == "sold_out":
        events = seeder.events(seats=50, confirmed=50)
    else:
        events = seeder.events(number=EVENTS, seats=10_000_000)
    url = urlsplit(database.url)
    run = subprocess.run(
        [
            *(_program(), "--no-vacuum", "--protocol", "prepared", "--file", f"{name}.sql"),
            *("--client", str(clients), "--jobs", "1", "--time", str(seconds)),
            *("--define", f"event_id={events.first}", "--define", f"events={events.number}"),
        ],
        cwd=SCRIPTS,
        env={
            **os.environ,
            "PGHOST": url.hostname or "",
            "PGPORT": str(url.port or 5432),
            "PGUSER": unquote(url.username or ""),
            "PGPASSWORD": unquote(url.password or ""),
            "PGDATABASE": url.path.removeprefix("/"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^tps = ([0-9.]+)", run.stdout, re.MULTILINE)
    if run.returncode != 0 or found is None:
        raise BenchError(f"pgbench failed with {name}.sql:\n{run.stdout}{run.stderr.strip()}")
    return float(found[1])


def _program() -> str:
    """From PostgreSQL's own folder, or from PATH if the server isn't ours."""
    program = shutil.which("pgbench", path=os.environ.get("DEVSTACK_PG_BIN")) or shutil.which(
        "pgbench"
    )
    if program is None:
        raise BenchError("pgbench is not installed: it comes with PostgreSQL's server packages")
    return program
