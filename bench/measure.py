"""Runs the chosen scenarios on servers of their own."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import generator, report
from bench.background import running_background
from bench.database import fresh_database
from bench.errors import BenchError
from bench.scenarios import SCENARIOS, Scenario, Stage
from bench.seed import Seeder
from bench.server import running_server
from bench.sizes import FULL, QUICK
from bench.suite import Result, Suite


def add_options(parser: argparse.ArgumentParser, *, runs: int) -> None:
    parser.add_argument(
        "--quick", action="store_true", help="small loads, to see that all of it works"
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="with the event service, all workers and the broker running, as in production",
    )
    parser.add_argument(
        "--filled",
        action="store_true",
        help="in a database with a million other bookings, of ten thousand events",
    )
    parser.add_argument("--runs", type=int, default=runs, help=f"default {runs}")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help=f"of {', '.join(names)}; default all",
    )


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """The facts that the figures depend on, and the result of each run.

    Raises `BenchError` if a scenario doesn't exist, or if a part doesn't start, or ends.
    """
    chosen = _chosen(options.scenarios)
    wrk = generator.version()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(fresh_database("booking"))
        server = stack.enter_context(running_server(database.url, folder / "api.log"))
        background = (
            stack.enter_context(running_background(server, database, folder))
            if options.whole
            else None
        )
        stage = Stage(
            database=database,
            seeder=Seeder(database, filled=options.filled),
            server=server,
            sizes=QUICK if options.quick else FULL,
            folder=folder,
        )
        results: list[Result] = []
        for result in Suite(stage, chosen, options.runs, background).results():
            print(f"bench: {report.progress(result)}", file=sys.stderr, flush=True)
            results.append(result)
        return report.facts(database.settings, wrk), results


def _chosen(names: list[str]) -> list[Scenario]:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise BenchError(f"no scenario is called {', '.join(unknown)}")
    return [by_name[name] for name in by_name if not names or name in names]
