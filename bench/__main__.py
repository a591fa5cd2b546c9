"""Loads the booking API, checks what it did, and says how fast it was."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import generator, report
from bench.background import running_background
from bench.database import fresh_database
from bench.errors import BenchError
from bench.scenarios import SCENARIOS, Scenario, Stage
from bench.seed import Seeder
from bench.server import running_server
from bench.sizes import FULL, QUICK
from bench.suite import Result, Suite
from devstack import signals
from devstack.errors import Interrupted

LATEST = Path(__file__).parent / "results" / "latest.json"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signals.raise_interrupted()
    try:
        return _bench(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number


def _bench(options: argparse.Namespace) -> int:
    wrk = generator.version()
    chosen: list[Scenario] = [
        scenario
        for scenario in SCENARIOS
        if not options.scenarios or scenario.name in options.scenarios
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(fresh_database("booking"))
        server = stack.enter_context(running_server(database.url, folder / "api.log"))
        background = (
            stack.enter_context(running_background(server, database, folder))
            if options.whole
            else None
        )
        suite = Suite(
            Stage(
                database=database,
                seeder=Seeder(database),
                server=server,
                sizes=QUICK if options.quick else FULL,
                folder=folder,
            ),
            chosen,
            options.runs or (1 if options.quick else 3),
            background,
        )
        results: list[Result] = []
        for result in suite.results():
            print(f"bench: {report.progress(result)}", file=sys.stderr, flush=True)
            results.append(result)
        about = report.facts(database.settings, wrk)
    report.write_json(options.json, about, results)
    print(report.text(about, results))
    if any(result.faults for result in results):
        print("bench: wrong results, see above: the figures are worth nothing", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and once: is it all working?")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="with the event service, all workers and the broker running, as in production",
    )
    parser.add_argument("--runs", type=int, help="default 3, with --quick 1")
    parser.add_argument("--json", type=Path, default=LATEST, metavar="PATH", help="results file")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(names)}; default all"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
