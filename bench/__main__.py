"""Loads the booking API, checks what it did, and says how fast it was."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.errors import BenchError
from bench.measure import add_options, measure
from devstack import signals
from devstack.errors import Interrupted

LATEST = Path(__file__).parent / "results" / "latest.json"
RUNS = 3


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
    about, results = measure(options)
    report.write_json(options.json, about, results)
    print(report.text(about, results))
    if any(result.faults for result in results):
        print("bench: wrong results, see above: discard the figures", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add_options(parser, runs=RUNS)
    parser.add_argument("--json", type=Path, default=LATEST, metavar="PATH", help="results file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
