"""Real processes on fresh databases; with EVENT_URL and BOOKING_URL, services that already run."""

import os
from collections.abc import Iterator

import pytest

from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.system import OwnProcesses, System, own_system

_PARTS = pytest.StashKey[list[tuple[Part, int]]]()


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    event_url, booking_url = os.environ.get("EVENT_URL"), os.environ.get("BOOKING_URL")
    if event_url and booking_url:
        yield System(event_url, booking_url)
        return
    with own_system(tmp_path_factory.mktemp("logs")) as system:
        yield system


@pytest.fixture
def sale(system: System) -> Iterator[Sale]:
    sale = Sale(system.event_url, system.booking_url)
    yield sale
    sale.close()


@pytest.fixture
def own(system: System) -> Iterator[OwnProcesses]:
    """For tests that stop or kill something."""
    if system.own is None:
        pytest.skip("needs services of its own to stop and kill")
    yield system.own
    system.own.ensure_running()


@pytest.fixture(autouse=True)
def _remember_logs(request: pytest.FixtureRequest, system: System) -> None:
    parts = system.own.regular if system.own else []
    sizes = [(part, part.log.stat().st_size if part.log.exists() else 0) for part in parts]
    request.node.stash[_PARTS] = sizes


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows what the services logged while it ran."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        for part, size in item.stash.get(_PARTS, []):
            report.sections.append((f"log of {part.name}", part.text(size)[-5000:]))
    return report  # type: ignore[return-value]
