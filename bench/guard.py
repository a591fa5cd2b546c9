"""Fails if a scenario has become slower or more expensive than the committed figures say.

Absolute figures belong to one machine, so each is divided by that of a bare WSGI application,
measured in the same run. How far such a ratio strays from run to run is measured as well, and a
difference within that noise is no regression.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.errors import BenchError
from bench.measure import add_options, measure
from bench.suite import Result
from devstack import signals
from devstack.errors import Interrupted

COMMITTED = Path(__file__).parent / "guard.json"
RUNS = 5
# Less than this is not worth an alarm, even where the runs happened to agree.
SMALLEST_NOISE = 0.05


@dataclass(frozen=True)
class Figure:
    """A ratio to the bare application. `noise` is half the range of the runs, as a part of the
    median."""

    median: float
    noise: float


@dataclass(frozen=True)
class Figures:
    """`rate` is answers per second, `cpu` the CPU time per answer of all processes."""

    rate: Figure
    cpu: Figure


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signals.raise_interrupted()
    try:
        _, results = measure(options)
        if any(result.faults for result in results):
            raise BenchError("wrong results, see above: discard the figures")
        found = figures(results)
        if options.write:
            _write(found)
            return 0
        committed = _read()
    except BenchError as error:
        print(f"bench.guard: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    worse = False
    for name, now in found.items():
        if name not in committed:
            raise SystemExit(f"bench.guard: {name} is not in {COMMITTED.name}: use --write")
        for line, is_worse in verdicts(name, committed[name], now):
            print(line)
            worse = worse or is_worse
    return 1 if worse else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.guard", description=__doc__)
    add_options(parser, runs=RUNS)
    parser.add_argument("--write", action="store_true", help="commit to the figures found now")
    return parser


def figures(results: Sequence[Result]) -> dict[str, Figures]:
    """By scenario and number of connections."""
    runs: dict[str, list[Result]] = {}
    for result in results:
        runs.setdefault(f"{result.scenario} at {result.connections}", []).append(result)
    return {
        name: Figures(rate=_figure(group, _rate), cpu=_figure(group, _cpu))
        for name, group in runs.items()
    }


def _rate(result: Result) -> float:
    return result.load.rate / result.bare.rate


def _cpu(result: Result) -> float:
    return sum(result.cost.cpu_us.values()) / result.bare.cpu_us


def _figure(runs: Sequence[Result], ratio: Callable[[Result], float]) -> Figure:
    ratios = [ratio(run) for run in runs]
    middle = median(ratios)
    return Figure(median=middle, noise=(max(ratios) - min(ratios)) / 2 / middle)


def verdicts(name: str, before: Figures, now: Figures) -> Iterator[tuple[str, bool]]:
    """What to print for each figure, and whether it is worse by more than the noise."""
    for what, old, new, growth_is_bad in (
        ("rate", before.rate, now.rate, False),
        ("CPU", before.cpu, now.cpu, True),
    ):
        change = new.median / old.median - 1
        noise = max(old.noise, new.noise, SMALLEST_NOISE)
        worse = change > noise if growth_is_bad else change < -noise
        verdict = "WORSE" if worse else "ok"
        yield (
            f"{name:<24} {what:<4} {old.median:7.3f} -> {new.median:7.3f} of a bare application, "
            f"{change:+7.1%}, noise {noise:.1%}: {verdict}",
            worse,
        )


def _write(found: Mapping[str, Figures]) -> None:
    document = {name: asdict(each) for name, each in found.items()}
    COMMITTED.write_text(json.dumps(document, indent=2) + "\n")
    print(f"bench.guard: wrote {COMMITTED}")


def _read() -> dict[str, Figures]:
    try:
        document = json.loads(COMMITTED.read_text())
        return {
            name: Figures(rate=Figure(**each["rate"]), cpu=Figure(**each["cpu"]))
            for name, each in document.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"can't read {COMMITTED}: {error!r}") from error


if __name__ == "__main__":
    sys.exit(main())
