"""A real system and a real browser. Each test gets fresh windows; whatever it tests, its pages must
have no errors."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from devstack import chromium
from tests.support.browser.pictures import keep_picture
from tests.support.browser.showcase import organiser_state
from tests.support.browser.windows import DARK, NO_JS, PHONE, THAI, Windows
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.system import System, own_system
from tests.support.waiting import PATIENCE_SECONDS

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with own_system(tmp_path_factory.mktemp("logs"), public=True) as system:
        yield system


@pytest.fixture(scope="session")
def sale(system: System) -> Iterator[Sale]:
    """Both services by their API."""
    sale = Sale(system.event_url, system.booking_url)
    yield sale
    sale.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable(), args=chromium.ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def organiser(browser: Browser, system: System) -> dict[str, Any]:
    """The cookies of somebody who may do everything in both admins."""
    return organiser_state(browser, system)


@pytest.fixture
def windows(browser: Browser, system: System) -> Iterator[Windows]:
    windows = Windows(browser, system.booking_url)
    yield windows
    problems = windows.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(windows: Windows) -> Page:
    """1280 pixels wide, in English. Paths are those of the booking service."""
    return windows.open()


@pytest.fixture
def phone(windows: Windows) -> Page:
    """390 pixels wide, and touched."""
    return windows.open(PHONE)


@pytest.fixture
def no_js(windows: Windows) -> Page:
    return windows.open(NO_JS)


@pytest.fixture
def dark(windows: Windows) -> Page:
    return windows.open(DARK)


@pytest.fixture
def thai(windows: Windows) -> Page:
    return windows.open(THAI)


@pytest.fixture
def two_windows(windows: Windows) -> tuple[Page, Page]:
    """Of two people: each has cookies of its own."""
    return windows.open(), windows.open()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows what its windows and the services showed at the end."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if not report.failed or not isinstance(item, pytest.Function):
        return report  # type: ignore[return-value]
    windows, system = item.funcargs.get("windows"), item.funcargs.get("system")
    if isinstance(windows, Windows) and call.when == "call":
        pictures = [keep_picture(page, item.name) for page in windows.pages]
        report.sections.append(("pictures", "\n".join(map(str, pictures))))
    if isinstance(system, System) and system.own is not None:
        for part in system.own.regular:
            report.sections.append((f"log of {part.name}", part.text()[-2000:]))
    return report  # type: ignore[return-value]
