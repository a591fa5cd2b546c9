"""What a sale costs while a crowd watches its live page, in turns with a sale that nobody watches.

One machine's speed changes within seconds, so only neighbours are compared: the report has the
median of their ratios.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import generator, usage
from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.generator import Load
from bench.processes import running
from bench.scenarios import FEW
from bench.seed import Events, Seeder
from bench.server import Server, running_server

# By then all viewers have been told how often to ask.
SETTLE_SECONDS = 15
REST_SECONDS = 10


class Turn(NamedTuple):
    """CPU in microseconds for each answer to a booking; `api` includes answers to viewers. `before`
    is how much of a core API and PostgreSQL used just before the sale, with nothing but viewers."""

    before: float
    rate: float
    p95: float
    api: float
    postgres: float


class Watched(NamedTuple):
    alone: Turn
    watched: Turn
    asked: float  # by all viewers together, a second


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.watched", description=__doc__)
    parser.add_argument("--watchers", type=int, default=500, help="default 500")
    parser.add_argument("--turns", type=int, default=5, help="of both kinds; default 5")
    parser.add_argument("--seconds", type=int, default=6, help="of each sale; default 6")
    options = parser.parse_args()
    try:
        turns = list(_measure(options))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(_report(options.watchers, turns))
    return 0


def _measure(options: argparse.Namespace) -> Iterator[Watched]:
    generator.version()
    with tempfile.TemporaryDirectory() as name, fresh_database("booking") as database:
        folder = Path(name)
        with running_server(database.url, folder / "api.log") as server:
            seeder = Seeder(database)
            sale = Sale(server, database, folder, options)
            sale.load(
                seeder.events(seats=1_000_000)
            )  # every worker's first imports and connections
            server.wait_until_quiet()
            for _ in range(options.turns):
                alone, _ = sale.turn(_hot(seeder), watchers=0)
                watched, asked = sale.turn(_hot(seeder), watchers=options.watchers)
                yield Watched(alone, watched, asked)


def _hot(seeder: Seeder) -> Events:
    return seeder.events(seats=50, waitlist_limit=5)


class Sale:
    def __init__(
        self, server: Server, database: Database, folder: Path, options: argparse.Namespace
    ) -> None:
        self._server = server
        self._database = database
        self._log = folder / "viewers.log"
        self._seconds = options.seconds

    def load(self, events: Events) -> Load:
        return generator.run(
            self._server.url,
            "book",
            (events.first, 1, 10**12),
            connections=FEW,
            seconds=self._seconds,
        )

    def turn(self, events: Events, *, watchers: int) -> tuple[Turn, float]:
        with self._crowd(events, watchers) if watchers else nullcontext():
            began = time.monotonic()
            time.sleep(SETTLE_SECONDS)
            resting = sum(self._cpu())
            time.sleep(REST_SECONDS)
            resting = (sum(self._cpu()) - resting) / REST_SECONDS
            turn = self._sale(events, resting)
            seconds = time.monotonic() - began
        # A request under way would lock what the next turn empties.
        self._server.wait_until_quiet()
        if not watchers:
            return turn, 0.0
        seen = json.loads(self._log.read_text().splitlines()[-1])
        if seen["failures"]:
            raise BenchError(f"{seen['failures']} viewers lost their connection")
        return turn, seen["answers"] / seconds

    @contextmanager
    def _crowd(self, events: Events, watchers: int) -> Iterator[None]:
        arguments = ["-m", "bench.viewers", self._server.url, str(events.first), str(watchers)]
        with running(arguments, os.environ, self._log):
            yield

    def _cpu(self) -> tuple[float, float]:
        """Seconds of the API and of PostgreSQL."""
        return (
            usage.cpu_seconds(self._server.process),
            usage.cpu_seconds(self._database.postmaster()),
        )

    def _sale(self, events: Events, resting: float) -> Turn:
        before = self._cpu()
        load = self.load(events)
        after = self._cpu()
        answers = load.rate * load.seconds
        api, database = (
            (end - start) / answers * 1e6 for start, end in zip(before, after, strict=True)
        )
        return Turn(resting, load.rate, load.p95, api, database)


def _report(watchers: int, turns: Sequence[Watched]) -> str:
    lines = [f"{'':24}{'alone':>10}{'watched':>10}   watched / alone, by turn"]
    for name, title in (
        ("rate", "answers/s"),
        ("p95", "p95, ms"),
        ("api", "API, CPU µs/answer"),
        ("postgres", "PostgreSQL, CPU µs"),
    ):
        pairs = [(getattr(each.alone, name), getattr(each.watched, name)) for each in turns]
        ratios = [after / before for before, after in pairs if before]
        medians = [median(side) for side in zip(*pairs, strict=True)]
        shown = " ".join(f"{ratio:.3f}" for ratio in ratios)
        middle = f"{median(ratios):.3f}" if ratios else "-"
        lines.append(f"{title:24}{medians[0]:10.1f}{medians[1]:10.1f}   {middle}  ({shown})")
    asked = median(each.asked for each in turns)
    used, idle = (
        median(side)
        for side in zip(*((t.watched.before, t.alone.before) for t in turns), strict=True)
    )
    lines.append(f"\n{watchers} viewers asked {asked:.0f} times a second, with the first seconds.")
    lines.append(f"Without a sale they used {used:.3f} of a core; nobody used {idle:.3f}.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
