"""Runs the scenarios, each next to its yardsticks, and measures what they cost."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

from bench import generator, usage, yardsticks
from bench.generator import Load
from bench.scenarios import FEW, Plan, Scenario, Stage
from bench.usage import Memory
from bench.verify import find_faults


@dataclass(frozen=True, kw_only=True)
class Cores:
    """CPU seconds per second. None where the server's processes are not on this machine."""

    api: float
    postgres: float | None
    generator: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """One scenario in one run. `empty_view` and `postgres` (by number of pgbench's clients) are
    the yardsticks, per second."""

    scenario: str
    connections: int
    run: int
    load: Load
    empty_view: float
    postgres_script: str | None
    postgres: dict[int, float]
    cores: Cores
    workers: list[Memory]
    more: dict[str, float]
    faults: list[str]


@dataclass(frozen=True)
class Suite:
    stage: Stage
    scenarios: Sequence[Scenario]
    runs: int

    def results(self) -> Iterator[Result]:
        self._warm_up()
        for run in range(1, self.runs + 1):
            postgres = self._postgres_rates()
            for scenario in self.scenarios:
                for connections in scenario.connections:
                    yield self._measure(scenario, connections, run, postgres)

    def _warm_up(self) -> None:
        """Let every worker import, connect and compile what it needs, once."""
        seconds = self.stage.sizes.warm_up_seconds
        events = self.stage.seeder.events(seats=1_000_000)
        url = self.stage.server.url
        generator.run(url, "book", (events.first, 1, 10**12), connections=FEW, seconds=seconds)
        self.stage.server.wait_until_quiet()

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
        empty_view = yardsticks.empty_view_rate(
            stage.server,
            scenario.empty_view,
            connections=connections,
            seconds=stage.sizes.yardstick_seconds,
        )
        plan = scenario.prepare(stage)
        load, cores = self._load(plan, connections)
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
            empty_view=empty_view,
            postgres_script=scenario.postgres,
            postgres=postgres[scenario.postgres] if scenario.postgres else {},
            cores=cores,
            workers=[usage.memory(worker) for worker in stage.server.workers],
            more={} if faults else plan.more(load),
            faults=faults,
        )

    def _load(self, plan: Plan, connections: int) -> tuple[Load, Cores]:
        server = self.stage.server
        postmaster: psutil.Process | None = self.stage.database.postmaster()
        api_before = usage.cpu_seconds(server.process)
        postgres_before = usage.cpu_seconds(postmaster)
        began = time.monotonic()
        load = generator.run(
            server.url,
            plan.script,
            plan.arguments,
            connections=connections,
            seconds=plan.seconds,
        )
        seconds = time.monotonic() - began
        api = usage.cpu_seconds(server.process) - api_before
        postgres = usage.cpu_seconds(postmaster) - postgres_before
        return load, Cores(
            api=api / seconds,
            postgres=postgres / seconds if postmaster else None,
            generator=load.cpu_seconds / seconds,
        )
