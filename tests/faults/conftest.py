"""Real servers and real processes, with faults. The figures of each scenario are shown at the end,
and written to the file that FAULT_RESULTS names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faults.report import table, write_json
from tests.support.faults.system import FaultySystem, faulty_system
from tests.support.faults.trial import Figures, Trial

_FIGURES = pytest.StashKey[list[Figures]]()
SHOWN_OF_A_LOG = 5000


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []
    config.addinivalue_line("markers", "long_form: too long for every run of all tests")


@pytest.fixture(scope="session")
def running_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultySystem]:
    with faulty_system(tmp_path_factory.mktemp("logs")) as system:
        yield system


@pytest.fixture
def system(running_system: FaultySystem) -> Iterator[FaultySystem]:
    yield running_system
    running_system.ensure_running()


@pytest.fixture
def trial(request: pytest.FixtureRequest, system: FaultySystem) -> Iterator[Trial]:
    trial = Trial(_sentence(request.node.name), system)
    yield trial
    trial.ledger.close()
    if trial.figures is not None:
        request.config.stash[_FIGURES].append(trial.figures)


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ").replace("[", " (").replace("]", ")")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows the last lines of each part's log."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    system = item.funcargs.get("system") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(system, FaultySystem):
        for part in system.parts:
            report.sections.append((f"log of {part.name}", part.text()[-SHOWN_OF_A_LOG:]))
    return report  # type: ignore[return-value]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    figures = config.stash[_FIGURES]
    if not figures:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(table(figures))
    if path := os.environ.get("FAULT_RESULTS"):
        write_json(Path(path), figures)
