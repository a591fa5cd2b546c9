"""The browser of the browser tests: this machine's Chromium, or Playwright's."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from devstack import packages
from devstack.errors import DevstackError

NAMES = ("chromium", "google-chrome", "chromium-browser")
# On the pages of the tests and in their pictures is Thai text, which a bare system can't show.
FONTS = "fonts-noto-core"
# Nothing but the pages of a test, and no name of another host is ever resolved.
ARGUMENTS = (
    "--no-sandbox",  # which root doesn't get
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


def executable() -> str | None:
    """The Chromium of this machine, if there is one that tests can use."""
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path and not _is_snap(Path(path))), None)


def install() -> None:
    if executable() is not None or _has_playwrights_own():
        return
    if platform.freedesktop_os_release().get("ID") == "debian":
        packages.install("chromium", FONTS)
        return
    print("devstack: installing Playwright's Chromium", flush=True)
    playwright = [sys.executable, "-m", "playwright"]
    # The libraries that Chromium needs go into the system, Chromium into the caller's home.
    root = packages.become_root(by_hand="type `sudo apt-get install chromium`")
    packages.install(FONTS)
    for command in ([*root, *playwright, "install-deps"], [*playwright, "install"]):
        if subprocess.run([*command, "chromium"], check=False).returncode != 0:
            raise DevstackError("install Chromium or Chrome, then start again")


def _is_snap(path: Path) -> bool:
    """A snap can't use the folders of a test. Ubuntu's `chromium-browser` is a script that starts
    one."""
    path = path.resolve()
    return path.name == "snap" or b"/snap/" in path.read_bytes()[:4096]


def _has_playwrights_own() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


if __name__ == "__main__":
    try:
        install()
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
