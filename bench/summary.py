"""Each figure of a scenario as its median over the runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.batches import Batches, median_of
from bench.suite import Result


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Rates per second, latencies in milliseconds, cores in CPU seconds per second, `cpu_us` in
    microseconds of CPU per answer by process, `wal_bytes` and `received_bytes` per answer, memory
    in MB (PSS of the largest worker). None if there is nothing to compare with or to measure."""

    scenario: str
    connections: int
    of_empty_view: float
    of_postgres: float | None
    rate: float
    empty_view: float
    rate_by_answer: dict[str, float]
    p50: float
    p95: float
    p99: float
    api_cores: float
    postgres_cores: float | None
    generator_cores: float
    cpu_us: dict[str, float]
    wal_bytes: float
    received_bytes: float
    batches: Batches | None
    drained_after: float | None
    worker_mb: float
    more: dict[str, float]


def summaries(results: Sequence[Result]) -> list[Summary]:
    """In the order in which the scenarios were first run."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        groups.setdefault((result.scenario, result.connections), []).append(result)
    return [_summary(group) for group in groups.values()]


def _summary(group: Sequence[Result]) -> Summary:
    def middle(figure: Callable[[Result], float]) -> float:
        return median(figure(result) for result in group)

    answers = sorted({answer for result in group for answer in result.load.answers})
    names = dict.fromkeys(name for result in group for name in result.more)
    drained = [after for result in group if (after := result.cost.drained_after) is not None]
    on_this_machine = [cores for result in group if (cores := result.cores.postgres) is not None]
    return Summary(
        scenario=group[0].scenario,
        connections=group[0].connections,
        # The median of the ratios, not the ratio of the medians: the two figures of each run were
        # measured side by side.
        of_empty_view=middle(lambda result: result.load.rate / result.empty_view.rate),
        of_postgres=(
            middle(lambda result: result.load.rate / max(result.postgres.values()))
            if group[0].postgres
            else None
        ),
        rate=middle(lambda result: result.load.rate),
        empty_view=middle(lambda result: result.empty_view.rate),
        rate_by_answer={
            answer: median(
                result.load.answers.get(answer, 0) / result.load.seconds for result in group
            )
            for answer in answers
        },
        p50=middle(lambda result: result.load.p50),
        p95=middle(lambda result: result.load.p95),
        p99=middle(lambda result: result.load.p99),
        api_cores=middle(lambda result: result.cores.api),
        postgres_cores=median(on_this_machine) if on_this_machine else None,
        generator_cores=middle(lambda result: result.cores.generator),
        cpu_us={
            name: median(result.cost.cpu_us[name] for result in group)
            for name in group[0].cost.cpu_us
        },
        wal_bytes=middle(lambda result: result.cost.wal_bytes),
        received_bytes=middle(
            lambda result: result.load.received_bytes / max(1, sum(result.load.answers.values()))
        ),
        batches=median_of([result.batches for result in group]),
        drained_after=median(drained) if drained else None,
        worker_mb=middle(largest_worker_mb),
        more={
            name: median(result.more[name] for result in group if name in result.more)
            for name in names
        },
    )


def largest_worker_mb(result: Result) -> float:
    return max(worker.shared_fairly for worker in result.workers)
