"""`make reference`: prints every metric as Markdown: name, type, labels, which processes serve it.

The definitions are read from the code. A process serves those of the modules that it imports.
"""

import ast
import importlib
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack.environment import ROOT
from devstack.reference import REQUIRED_VALUES, SETTINGS

_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "GaugeMetricFamily": "gauge",
}
# What gunicorn's worker processes import when they start.
_SERVING = (
    "shared.db.pool_metrics",
    "shared.observability.http_metrics",
    "shared.observability.span_metrics",
)
_RELAY = "shared.outbox.management.commands.relay_outbox"


@dataclass(frozen=True)
class Process:
    job: str
    service: str
    modules: Sequence[str]

    @property
    def is_api(self) -> bool:
        return self.job.endswith("-api")


PROCESSES = (
    Process("event-api", "event", ("event_project.urls", *_SERVING)),
    Process("booking-api", "booking", ("booking_project.urls", *_SERVING)),
    Process("event-relay", "event", (_RELAY,)),
    Process("booking-relay", "booking", (_RELAY,)),
    Process(
        "consumer", "booking", ("booking_project.bookings.management.commands.consume_events",)
    ),
    Process(
        "notifier",
        "booking",
        ("booking_project.notifications.management.commands.notify_bookings",),
    ),
)


@dataclass(frozen=True)
class Definition:
    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    module: str
    # Collected when the API is asked; a worker that imports it doesn't serve it.
    is_collected: bool


def definitions() -> list[Definition]:
    """All that the code of the services defines, by name."""
    found: list[Definition] = []
    for package in ("shared", "event_project", "booking_project"):
        for file in sorted((ROOT / package).rglob("*.py")):
            found += _definitions_in(file)
    return sorted(found, key=lambda each: each.name)


def served() -> dict[str, list[Definition]]:
    """What each process serves, by its job."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, max_tasks_per_child=1) as pool:
        imported = {
            job: modules
            for by_job in pool.map(_imported_by_job, SETTINGS)
            for job, modules in by_job.items()
        }
    return {
        process.job: [
            each
            for each in definitions()
            if each.module in imported[process.job] and (process.is_api or not each.is_collected)
        ]
        for process in PROCESSES
    }


def _imported_by_job(service: str) -> dict[str, set[str]]:
    """The modules of each process of the service. In a process that has loaded no other service."""
    os.environ.clear()
    os.environ.update(REQUIRED_VALUES)
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS[service]
    import django

    django.setup()
    mine = [process for process in PROCESSES if process.service == service]
    # Each in a fork: what one imports must not count for the next.
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        found = pool.map(_imported_by, mine, chunksize=1)
    return {process.job: modules for process, modules in zip(mine, found, strict=True)}


def _imported_by(process: Process) -> set[str]:
    for module in process.modules:
        importlib.import_module(module)
    return set(sys.modules)


def _definitions_in(file: Path) -> Iterator[Definition]:
    text = file.read_text()
    if "prometheus_client" not in text:
        return
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = node.func.id
            if kind in _KINDS:
                yield _definition(node, kind, module)


def _definition(call: ast.Call, kind: str, module: str) -> Definition:
    name, text = (ast.literal_eval(argument) for argument in call.args[:2])
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    is_collected = kind == "GaugeMetricFamily"
    if "labels" in keywords:
        labels = ast.literal_eval(keywords["labels"])
    elif len(call.args) > 2 and not is_collected:
        labels = ast.literal_eval(call.args[2])
    else:
        labels = []
    return Definition(
        name=f"{name}_total" if kind == "Counter" else name,
        type=_KINDS[kind],
        labels=tuple(labels),
        help=text,
        module=module,
        is_collected=is_collected,
    )


def main() -> None:
    by_job = served()
    rows = [
        ("metric", "type", "labels", "meaning", "served by"),
        ("---", "---", "---", "---", "---"),
    ]
    for each in definitions():
        jobs = [job for job, metrics in by_job.items() if each in metrics]
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append((f"`{each.name}`", each.type, labels, each.help, ", ".join(jobs)))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    sys.stdout.write(f"{_INTRODUCTION}\n{table}\n")


_INTRODUCTION = """\
# Metrics

<!-- Generated by `make reference` from the code. Don't edit. -->

Which of them to watch is in [operations](operations.md#what-to-watch), and when one of them wakes
somebody in [alerts](operations.md#alerts).

A histogram is served as `…_bucket`, `…_sum` and `…_count`. An API sums its counts over all
processes of its gunicorn; a gauge is of now. A worker also serves the metrics of code that it has
loaded but doesn't run: they stay 0. Workers add `process_…` and `python_…`, the standard metrics of
Prometheus's Python client.
"""


if __name__ == "__main__":
    main()
