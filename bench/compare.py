"""Benchmarks this checkout and another one in turns, and says what the change is worth.

One machine's speed changes within seconds, so only runs that alternate can be compared. The other
checkout runs its own benchmark, with its own servers. With `--filled`, it is this checkout both
times: first in an empty database, then in one that holds a million other bookings.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.errors import BenchError

HERE = Path(__file__).resolve().parent.parent
Medians = dict[tuple[str, int], dict[str, Any]]

HEADINGS = ("scenario", "conns", "before/s", "after/s", "rate", "CPU µs before", "after", "CPU")
EXPLANATION = """\
rate, CPU  after divided by before: answers per second, and CPU time per answer of all processes.
           Medians of the pairs' ratios; the ratios of each pair follow in brackets."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        pairs = list(_pairs(*_sides(options), options.pairs))
    except BenchError as error:
        print(f"bench.compare: {error}", file=sys.stderr)
        return 1
    print("\n".join(_table(pairs)))
    print(f"\n{EXPLANATION}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.compare", description=__doc__)
    before = parser.add_mutually_exclusive_group(required=True)
    before.add_argument("before", nargs="?", type=Path, help="the other checkout")
    before.add_argument("--filled", action="store_true", help="an empty database and a filled one")
    parser.add_argument("--pairs", type=int, default=3, help="default 3")
    parser.add_argument("--bench", default="--whole --quick", help="options of `make bench`")
    return parser


class Side(NamedTuple):
    checkout: Path
    options: str


def _sides(options: argparse.Namespace) -> tuple[Side, Side]:
    if options.filled:
        return Side(HERE, options.bench), Side(HERE, f"{options.bench} --filled")
    return Side(options.before.resolve(), options.bench), Side(HERE, options.bench)


def _pairs(before: Side, after: Side, number: int) -> Iterator[tuple[Medians, Medians]]:
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(number):
            order = [before, after] if pair % 2 == 0 else [after, before]
            found = {side: _bench(side, Path(folder) / "result.json") for side in order}
            yield found[before], found[after]


def _bench(side: Side, results: Path) -> Medians:
    print(f"bench.compare: {side.checkout} {side.options}", file=sys.stderr, flush=True)
    run = subprocess.run(
        ["make", "bench", f"BENCH={side.options} --json {results}"],
        cwd=side.checkout,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if run.returncode != 0:
        raise BenchError(f"`make bench` failed in {side.checkout}")
    medians = json.loads(results.read_text())["medians"]
    return {(each["scenario"], each["connections"]): each for each in medians}


def _table(pairs: Sequence[tuple[Medians, Medians]]) -> Iterator[str]:
    rows = [HEADINGS]
    for scenario, connections in pairs[0][1]:
        key = (scenario, connections)
        both = [(before[key], after[key]) for before, after in pairs if key in before]
        if not both:
            continue
        rows.append(
            (
                scenario,
                str(connections),
                f"{median(before['rate'] for before, _ in both):,.0f}",
                f"{median(after['rate'] for _, after in both):,.0f}",
                _ratios([after["rate"] / before["rate"] for before, after in both]),
                f"{median(_cpu_us(before) for before, _ in both):,.0f}",
                f"{median(_cpu_us(after) for _, after in both):,.0f}",
                _ratios([_cpu_us(after) / _cpu_us(before) for before, after in both]),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *figures in rows:
        cells = (cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *cells])


def _cpu_us(summary: dict[str, Any]) -> float:
    return float(sum(summary["cpu_us"].values()))


def _ratios(ratios: Sequence[float]) -> str:
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{median(ratios):.2f} ({each})"


if __name__ == "__main__":
    sys.exit(main())
