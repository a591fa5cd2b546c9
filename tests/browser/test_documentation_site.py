"""What `make docs` builds, as a reader's browser gets it: from one host only, without an error."""

import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, expect

from devstack.documentation import MERMAID
from devstack.environment import ROOT
from tests.support.browser.windows import DARK, PHONE, Windows


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def windows(browser: Browser, site: str) -> Iterator[Windows]:
    windows = Windows(browser, site)
    yield windows
    problems = windows.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Documentation"),
        ("/tutorial.html", "Your first sale"),
        ("/commands.html", "Commands"),
        ("/booking-service.html", "Booking service"),
        ("/adr/index.html", "Decisions"),
        ("/readme-thai.html", "Event reservation"),
    ],
)
def test_a_page_loads_all_it_needs_from_the_site(windows: Windows, path: str, title: str) -> None:
    for look in (DARK, PHONE):
        page = windows.open(look)
        page.goto(path, wait_until="networkidle")

        expect(page.locator("h1")).to_contain_text(title)


@pytest.mark.skipif(not MERMAID.exists(), reason="npm could not install Mermaid")
def test_a_diagram_is_drawn(windows: Windows) -> None:
    page = windows.open()
    page.goto("/architecture.html")

    # The drawing is in a closed shadow root. Before, there is a block of code in its place.
    expect(page.locator("div.mermaid")).to_have_count(3)
    box = page.locator("div.mermaid").first.bounding_box()
    assert box is not None
    assert box["height"] > 300


def test_the_search_finds_a_setting(windows: Windows) -> None:
    page = windows.open()
    page.goto("/")
    page.locator("input[name=query]").press_sequentially("IDEMPOTENCY_RETENTION")

    expect(page.locator(".md-search-result__item", has_text="Configuration").first).to_be_visible()
