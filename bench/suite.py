"""Runs each scenario next to its yardsticks and measures what it costs."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psutil

from bench import generator, usage, yardsticks
from bench.background import Background
from bench.batches import Batches, batches
from bench.generator import Load
from bench.scenarios import FEW, Plan, Scenario, Stage
from bench.usage import Memory
from bench.verify import find_faults
from bench.yardsticks import Yardstick


@dataclass(frozen=True, kw_only=True)
class Cores:
    """CPU seconds per second. None if the server's processes aren't on this machine."""

    api: float
    postgres: float | None
    generator: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of one answer, not counting 503s. `cpu_us` is microseconds of CPU by process until
    the last message was sent, `drained_after` seconds after the last answer. The latter is None if
    nothing is running that sends messages. `wal_bytes` is what PostgreSQL logged."""

    cpu_us: dict[str, float]
    wal_bytes: float
    drained_after: float | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """One scenario in one run. `bare`, `empty_view` and `postgres` (transactions per second by
    number of pgbench clients) are the yardsticks."""

    scenario: str
    connections: int
    run: int
    load: Load
    bare: Yardstick
    empty_view: Yardstick
    postgres_script: str | None
    postgres: dict[int, float]
    cores: Cores
    cost: Cost
    batches: Batches | None
    workers: list[Memory]
    more: dict[str, float]
    faults: list[str]


@dataclass(frozen=True)
class Suite:
    stage: Stage
    scenarios: Sequence[Scenario]
    runs: int
    background: Background | None = None

    def results(self) -> Iterator[Result]:
        self._warm_up()
        for run in range(1, self.runs + 1):
            postgres = self._postgres_rates()
            for scenario in self.scenarios:
                for connections in scenario.connections:
                    yield self._measure(scenario, connections, run, postgres)

    def _warm_up(self) -> None:
        """Let every worker do its one-time importing, connecting and compiling."""
        seconds = self.stage.sizes.warm_up_seconds
        events = self.stage.seeder.events(seats=1_000_000)
        url = self.stage.server.url
        generator.run(url, "book", (events.first, 1, 10**12), connections=FEW, seconds=seconds)
        self._settle()

    def _settle(self) -> float | None:
        """Wait until nothing is in progress; returns how long the messages took, in seconds."""
        self.stage.server.wait_until_quiet()
        return self.background.wait_until_drained() if self.background else None

    def _postgres_rates(self) -> dict[str, dict[int, float]]:
        names = sorted({scenario.postgres for scenario in self.scenarios if scenario.postgres})
        stage = self.stage
        return {
            name: yardsticks.postgres_rates(
                name, stage.database, stage.seeder, seconds=stage.sizes.pgbench_seconds
            )
            for name in names
        }

    def _measure(
        self, scenario: Scenario, connections: int, run: int, postgres: dict[str, dict[int, float]]
    ) -> Result:
        stage = self.stage
        bare, empty_view = (
            measure(
                stage.server,
                scenario.empty_view,
                connections=connections,
                seconds=stage.sizes.yardstick_seconds,
            )
            for measure in (yardsticks.bare_application, yardsticks.empty_view)
        )
        plan = scenario.prepare(stage)
        batches_before = batches(stage.server)
        load, cores, cost = self._load(plan, connections)
        faults = find_faults(
            load,
            plan.events,
            expected=scenario.expected,
            database=stage.database,
            server=stage.server,
        )
        if plan.fixed_work and not load.used_up:
            faults.append(f"not done after {plan.seconds} s")
        return Result(
            scenario=scenario.name,
            connections=connections,
            run=run,
            load=load,
            bare=bare,
            empty_view=empty_view,
            postgres_script=scenario.postgres,
            postgres=postgres[scenario.postgres] if scenario.postgres else {},
            cores=cores,
            cost=cost,
            batches=batches(stage.server).since(batches_before),
            workers=[usage.memory(worker) for worker in stage.server.workers],
            more={} if faults else plan.more(load),
            faults=faults,
        )

    def _load(self, plan: Plan, connections: int) -> tuple[Load, Cores, Cost]:
        server = self.stage.server
        processes = self._processes()
        wal_before = self.stage.database.wal_bytes
        before = _cpu_seconds(processes)
        began = time.monotonic()
        load = generator.run(
            server.url,
            plan.script,
            plan.arguments,
            connections=connections,
            seconds=plan.seconds,
        )
        seconds = time.monotonic() - began
        at_end = _cpu_seconds(processes)
        drained_after = self._settle()
        drained = _cpu_seconds(processes)
        wal = self.stage.database.wal_bytes - wal_before
        good = load.rate * load.seconds
        cores = {name: (at_end[name] - before[name]) / seconds for name in processes}
        return (
            load,
            Cores(
                api=cores["api"],
                postgres=cores.get("postgres"),
                generator=load.cpu_seconds / seconds,
            ),
            Cost(
                cpu_us={
                    name: (drained[name] - before[name]) / good * 1e6 if good else 0.0
                    for name in processes
                },
                wal_bytes=wal / good if good else 0.0,
                drained_after=drained_after,
            ),
        )

    def _processes(self) -> dict[str, psutil.Process]:
        postmaster = self.stage.database.postmaster()
        return {
            "api": self.stage.server.process,
            **({"postgres": postmaster} if postmaster else {}),
            **(self.background.processes if self.background else {}),
        }


def _cpu_seconds(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    return {name: usage.cpu_seconds(process) for name, process in processes.items()}
