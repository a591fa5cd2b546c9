"""Everything runs, and a real Prometheus beside it watches with the rules of deploy/monitoring."""

import math
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from devstack import apps, processes
from devstack.environment import ROOT
from devstack.monitoring import JOBS
from tests.support.deploy import monitoring
from tests.support.devstack.runs import Devstack
from tests.support.end_to_end.clients import Sale
from tests.support.waiting import until

# What a worker's Python and the client library add.
STANDARD = ("process_", "python_")
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|.*\| ([a-z, -]+) \|$", re.MULTILINE)
DERIVED = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}


@pytest.fixture(scope="module")
def ports(environ_of_running: dict[str, str]) -> dict[str, int]:
    return {name: int(text) for name, text in environ_of_running.items() if name.endswith("_PORT")}


@pytest.fixture(scope="module")
def sale(running: Devstack, ports: dict[str, int]) -> Iterator[Sale]:
    """Somebody has booked, was promoted or refused, and got a mail."""
    sale = Sale(
        f"http://127.0.0.1:{ports['EVENT_PORT']}", f"http://127.0.0.1:{ports['BOOKING_PORT']}"
    )
    sell(sale)
    until(lambda: 'result="sent"' in metrics_of("notifier", ports), "a mail")
    yield sale
    sale.close()


def sell(sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=1)
    first = sale.booked(event, "ann@example.com")
    sale.booked(event, "ben@example.com")
    assert sale.book(event, "cid@example.com").status_code == 409
    assert sale.cancel(first["id"]).status_code == 200


def metrics_of(name: str, ports: dict[str, int]) -> str:
    answer = httpx.get(f"http://{apps.metrics_address(name, ports)}/metrics", trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture(scope="module")
def served(sale: Sale, ports: dict[str, int]) -> dict[str, dict[str, set[str]]]:
    """By job, each name that its process serves, with its labels."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, job in JOBS.items():
        found[job] = {}
        for family in text_string_to_metric_families(metrics_of(name, ports)):
            for ending in DERIVED.get(family.type, ()):
                found[job].setdefault(f"{family.name}{ending}", set())
            for sample in family.samples:
                found[job].setdefault(sample.name, set()).update(sample.labels)
    return found


def test_each_metric_of_a_rule_or_dashboard_is_served_with_the_labels_it_is_asked_for(
    served: dict[str, dict[str, set[str]]],
) -> None:
    known = {name: set(labels) for name, labels in monitoring.OF_PROMETHEUS.items()}
    for metrics in served.values():
        for name, labels in metrics.items():
            known.setdefault(name, set()).update(labels | monitoring.OF_TARGETS)
    read = set()
    for place, expression in monitoring.expressions():
        labels_read = set()
        for selector in monitoring.selectors(expression):
            assert selector.metric in known, f"{place}: nothing serves {selector.metric}"
            assert selector.labels <= known[selector.metric], f"{place}: {selector}"
            labels_read |= known[selector.metric]
            read.add(selector.metric)
        assert monitoring.groupings(expression) <= labels_read, place
    assert len(read) > 20  # or the expressions were not understood


def test_each_process_serves_what_the_reference_says(
    served: dict[str, dict[str, set[str]]],
) -> None:
    """docs/metrics.md, of which `make lint` says whether it matches the code."""
    documented: dict[str, set[str]] = {job: set() for job in served}
    for name, kind, jobs in ROW.findall((ROOT / "docs" / "metrics.md").read_text()):
        for job in jobs.split(", "):
            endings = DERIVED[kind] if kind == "histogram" else ("",)
            documented[job] |= {f"{name}{ending}" for ending in endings}
    for job, metrics in served.items():
        ours = {
            name
            for name in metrics
            if not name.startswith(STANDARD) and not name.endswith("_created")
        }
        # A worker has not done all that it could; what it didn't do, it need not serve.
        assert ours <= documented[job], job
    everywhere = set().union(*documented.values())
    assert everywhere == set().union(*(set(metrics) & everywhere for metrics in served.values()))


def test_the_series_of_all_processes_are_few(sale: Sale, ports: dict[str, int]) -> None:
    lines = [
        line
        for name in JOBS
        for line in metrics_of(name, ports).splitlines()
        if not line.startswith("#")
    ]
    assert len(lines) < 1_000


class Prometheus:
    def __init__(self, port: int, folder: Path) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False)
        self.folder = folder

    def get(self, path: str, **parameters: str) -> Any:
        answer = self._http.get(path, params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def up(self) -> set[str]:
        targets = self.get("/targets")["activeTargets"]
        return {each["labels"]["job"] for each in targets if each["health"] == "up"}

    def firing(self) -> set[tuple[str, str]]:
        return {
            (each["labels"]["alertname"], each["labels"].get("worker") or each["labels"]["job"])
            for each in self.get("/alerts")["alerts"]
            if each["state"] == "firing"
        }

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def prometheus(
    sale: Sale, running: Devstack, ports: dict[str, int], environ_of_running: dict[str, str]
) -> Iterator[Prometheus]:
    """As `make monitor` starts it, but looking each second, with alerts that fire at once."""
    started = running("monitor")
    assert started.returncode == 0, started.stderr
    assert f"http://localhost:{ports['PROMETHEUS_PORT']}" in started.stdout
    folder = Path(environ_of_running["DEVSTACK_DATA"]) / "prometheus"
    rules, config = folder / "rules.yml", folder / "prometheus.yml"
    rules.write_text(re.sub(r"\b(for|keep_firing_for): \w+", r"\1: 1s", rules.read_text()))
    config.write_text(config.read_text().replace("_interval: 15s", "_interval: 1s"))
    prometheus = Prometheus(ports["PROMETHEUS_PORT"], folder)
    (process,) = (each for each in processes.of(folder.parent) if each.name() == "prometheus")
    process.send_signal(signal.SIGHUP)
    until(
        lambda: "scrape_interval: 1s" in prometheus.get("/status/config")["yaml"],
        "the other configuration",
    )
    yield prometheus
    prometheus.close()


def test_it_reaches_all_parts_and_is_one_of_them(
    prometheus: Prometheus, running: Devstack, ports: dict[str, int]
) -> None:
    until(lambda: prometheus.up() == set(JOBS.values()), "all targets")
    status = running("status").stdout
    (line,) = (line for line in status.splitlines() if line.startswith("prometheus"))
    assert "RUNNING" in line
    assert f"http://localhost:{ports['PROMETHEUS_PORT']}" in line


def test_its_rules_are_those_of_the_repository_and_none_fails(prometheus: Prometheus) -> None:
    def evaluated() -> list[dict[str, Any]] | None:
        (group,) = prometheus.get("/rules")["groups"]
        rules: list[dict[str, Any]] = group["rules"]
        return rules if all(rule["health"] == "ok" for rule in rules) else None

    rules = until(evaluated, "rules that were evaluated")
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in monitoring.rules()]


@pytest.mark.parametrize(
    ("place", "expression"),
    list(monitoring.shown()),
    ids=lambda text: text if ".json: " in text else "",
)
def test_each_panel_shows_something(
    prometheus: Prometheus, sale: Sale, place: str, expression: str
) -> None:
    query = expression.replace("$__rate_interval", "1m")

    def shows() -> bool:
        result = prometheus.get("/query", query=query)["result"]
        if any(not math.isnan(float(each["value"][1])) for each in result):
            return True
        sell(sale)  # or there are no rates
        return False

    until(shows, f"answer to {query}")


def test_a_dead_broker_is_an_alert_until_it_is_back(
    prometheus: Prometheus, running: Devstack
) -> None:
    workers = {
        ("WorkerWaiting", f"{service}.{command}") for service, command in apps.WORKERS.values()
    }
    until(lambda: not prometheus.firing(), "quiet")

    assert running("stop-part", "rabbitmq").returncode == 0
    until(lambda: prometheus.firing() >= workers, "alert of each worker")

    assert running("start-part", "rabbitmq").returncode == 0
    until(lambda: not prometheus.firing() & workers, "end of the alerts", seconds=120)


def test_stopping_everything_stops_it(
    prometheus: Prometheus, running: Devstack, environ_of_running: dict[str, str]
) -> None:
    assert running("stop").returncode == 0

    assert processes.of(Path(environ_of_running["DEVSTACK_DATA"])) == []
