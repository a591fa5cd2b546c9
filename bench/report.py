"""A table for people, and JSON with every run for everything else."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench.generator import BUSY
from bench.suite import Result
from bench.summary import Summary, largest_worker_mb, summaries
from bench.yardsticks import Yardstick

PACKAGES = ("Django", "djangorestframework", "gunicorn", "gevent", "psycopg")
# Settings of the API that change its figures. Shown if they differ from their defaults.
SETTINGS = ("BOOKING_WORKERS", "BOOKING_DB_POOL_SIZE", "ADMISSION_MAX_GROUP", "ADMISSION_GROUPING")

HEADINGS = (
    *("scenario", "conns", "/view", "/pg", "answers/s", "p50 ms", "p95 ms", "p99 ms"),
    *("api", "pg", "wrk", "MB", "by answer, per second"),
)
EXPLANATION = """\
/view         answers/s as a part of what a DRF view that does nothing answers on the same server
              with as many connections, measured right before
/pg           answers/s as a part of what pgbench reaches on the same PostgreSQL with one booking
              per transaction (or one sold-out read), with 4 or 64 clients, whichever is faster
api, pg, wrk  CPU cores used by gunicorn, PostgreSQL and the load generator
MB            proportional memory (PSS) of the largest worker afterwards"""
COSTS_EXPLANATION = """\
CPU µs        microseconds of CPU that one answer costs in each process, until the last message
              is out; how many seconds after the last answer that was"""


def facts(postgres: Mapping[str, str], wrk: str) -> dict[str, Any]:
    """The facts that the figures depend on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{package.lower(): version(package) for package in PACKAGES},
            "postgresql": postgres["server_version"],
            "wrk": wrk,
        },
        "postgres_settings": {n: v for n, v in postgres.items() if n != "server_version"},
        "api_settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def write_json(path: Path, about: Mapping[str, Any], results: Sequence[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        **about,
        "medians": [asdict(summary) for summary in summaries(results)],
        "runs": [asdict(result) for result in results],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def text(about: Mapping[str, Any], results: Sequence[Result]) -> str:
    medians = summaries(results)
    runs = max(result.run for result in results)
    paragraphs = [
        "\n".join(_table([HEADINGS, *(_row(summary) for summary in medians)])),
        EXPLANATION,
        "\n".join(_table(list(_costs(medians)))),
        COSTS_EXPLANATION,
        "\n".join([*_more(medians), *_yardsticks(results), *_memory(results)]),
        f"Medians of {runs} run{'s'[: runs > 1]} on {about['cpus']} CPUs. {_listed(about)}",
    ]
    return "\n\n".join(paragraphs)


def progress(result: Result) -> str:
    """One line for a scenario that has just run."""
    verdict = "; ".join(result.faults) if result.faults else "verified"
    busy = result.load.answered(BUSY)
    if busy:
        verdict = f"{busy} answers were 503, {verdict}"
    return (
        f"run {result.run}: {result.scenario} at {result.connections} connections: "
        f"{result.load.rate:,.0f}/s, {verdict}"
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *figures, last = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([row[0].ljust(len(name)), *figures, last.strip()])


def _costs(medians: Sequence[Summary]) -> Iterator[tuple[str, ...]]:
    processes = list(dict.fromkeys(name for summary in medians for name in summary.cpu_us))
    yield ("CPU µs", "conns", *processes, "all", "messages out after")
    for summary in medians:
        yield (
            summary.scenario,
            str(summary.connections),
            *(f"{summary.cpu_us[name]:,.0f}" for name in processes),
            f"{sum(summary.cpu_us.values()):,.0f}",
            "-" if summary.drained_after is None else f"{summary.drained_after:.1f} s",
        )


def _row(summary: Summary) -> tuple[str, ...]:
    answers = (f"{rate:,.0f} {answer}" for answer, rate in summary.rate_by_answer.items())
    return (
        summary.scenario,
        str(summary.connections),
        f"{summary.of_empty_view:.2f}",
        _or_dash(summary.of_postgres),
        f"{summary.rate:,.0f}",
        *(f"{latency:,.1f}" for latency in (summary.p50, summary.p95, summary.p99)),
        f"{summary.api_cores:.2f}",
        _or_dash(summary.postgres_cores),
        f"{summary.generator_cores:.2f}",
        f"{summary.worker_mb:.0f}",
        ", ".join(answers),
    )


def _or_dash(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"


def _more(medians: Sequence[Summary]) -> Iterator[str]:
    for summary in medians:
        if summary.more:
            figures = ", ".join(f"{name}: {value:,.2f}" for name, value in summary.more.items())
            yield f"{summary.scenario} at {summary.connections}: {figures}"


def _yardsticks(results: Sequence[Result]) -> Iterator[str]:
    nothings: dict[tuple[str, int], list[Yardstick]] = {}
    servers: dict[tuple[str | None, int], set[float]] = {}
    for result in results:
        for name, yardstick in (
            ("bare application", result.bare),
            ("empty view", result.empty_view),
        ):
            nothings.setdefault((name, result.connections), []).append(yardstick)
        for clients, rate in result.postgres.items():
            servers.setdefault((result.postgres_script, clients), set()).add(rate)
    for (name, connections), taken in nothings.items():
        rate = median(each.rate for each in taken)
        cpu_us = median(each.cpu_us for each in taken)
        yield f"{name} at {connections}: {rate:,.0f}/s, {cpu_us:,.0f} µs of CPU per answer"
    for (script, clients), rates in servers.items():
        yield f"pgbench {script}.sql, {clients} clients: {median(rates):,.0f}/s"


def _memory(results: Sequence[Result]) -> Iterator[str]:
    last = {result.run: result for result in results}
    peak = max(worker.peak for result in results for worker in result.workers)
    grown = ", ".join(f"{largest_worker_mb(result):.0f}" for result in last.values())
    yield f"largest worker after each run: {grown} MB (PSS); most that was resident: {peak:.0f} MB"


def _listed(about: Mapping[str, Any]) -> str:
    parts = (about["versions"], about["postgres_settings"], about["api_settings"])
    return ". ".join(
        ", ".join(f"{name} {value}" for name, value in part.items()) for part in parts if part
    )
