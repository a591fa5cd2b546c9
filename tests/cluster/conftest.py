"""A cluster like that of `make cluster`, in a folder of its own, or the one that CLUSTER_DATA names
if it is running. The figures of each fault are shown at the end, and added to the file that
CLUSTER_RESULTS names."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from devstack.cluster.stack import Cluster
from tests.support.cluster.trial import Figures, Trials

_FIGURES = pytest.StashKey[list[Figures]]()
FOLDER = Path("build", "cluster")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []
    config.addinivalue_line("markers", "short_form: of the faults that are tried first")


@pytest.fixture(scope="session")
def trials() -> Iterator[Trials]:
    cluster = Cluster.configured(
        {"EVENT_PORT": "18081", "BOOKING_PORT": "18082", "CLUSTER_DATA": str(FOLDER), **os.environ}
    )
    was_running = cluster.runner.is_up()
    cluster.start()
    yield Trials(cluster, FOLDER / "answers")
    if not was_running:
        cluster.stop()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> list[Figures]:
    return request.config.stash[_FIGURES]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    figures = config.stash[_FIGURES]
    if not figures:
        return
    terminalreporter.section("failover")
    names = [field.name for field in fields(Figures)]
    for each in [dict(zip(names, names, strict=True)), *map(asdict, figures)]:
        fault, *rest = each.values()
        cells = zip(names[1:], rest, strict=True)
        line = "  ".join(str(value).rjust(len(name)) for name, value in cells)
        terminalreporter.write_line(f"{fault:<48}{line}")
    if path := os.environ.get("CLUSTER_RESULTS"):
        with Path(path).open("a") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in figures)
