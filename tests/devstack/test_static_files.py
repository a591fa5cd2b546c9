"""Static files are collected when something has changed, in a checkout of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.environment import ROOT
from tests.support.waiting import PATIENCE_SECONDS

SCRIPT = "shared/times/static/times/time_zone.js"
NOWHERE = {
    "EVENT_DATABASE_URL": "postgresql://127.0.0.1:9/event",
    "BOOKING_DATABASE_URL": "postgresql://127.0.0.1:9/booking",
    "RABBITMQ_URL": "amqp://127.0.0.1:9/",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy = tmp_path / "checkout"
    for name in ("devstack", "shared", "event_project", "booking_project"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage_event.py", "manage_booking.py", "requirements-dev.lock"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def collected(checkout: Path, environ: dict[str, str]) -> dict[str, int]:
    """Runs a command with `devstack exec`. Returns the times at which files were written."""
    subprocess.run(
        [sys.executable, "-m", "devstack", "exec", "--", "true"],
        cwd=checkout,
        env={**environ, **NOWHERE},
        check=True,
        timeout=2 * PATIENCE_SECONDS,
    )
    folder = checkout / "staticfiles"
    files = [*folder.glob("*/staticfiles.json"), *folder.glob("*/times/*")]
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}


def test_files_are_collected_if_one_has_changed_and_only_then(
    checkout: Path, environ: dict[str, str]
) -> None:
    first = collected(checkout, environ)
    again = collected(checkout, environ)
    with (checkout / SCRIPT).open("a") as script:
        script.write("// changed\n")
    changed = collected(checkout, environ)

    names = {
        service: [n for n in first if n.startswith(service)] for service in ("event", "booking")
    }
    assert all(len(found) == 4 for found in names.values()), "manifest, script, and two compressed"
    assert again == first
    assert set(changed) > set(first), "a running service may still need the earlier ones"
    assert len(changed) == len(first) + 2 * 3


def test_a_file_that_refers_to_a_missing_one_stops_the_start(
    checkout: Path, environ: dict[str, str]
) -> None:
    (checkout / "shared/times/static/times/broken.css").write_text("p { background: url(no.png) }")

    done = subprocess.run(
        [sys.executable, "-m", "devstack", "exec", "--", "true"],
        cwd=checkout,
        env={**environ, **NOWHERE},
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_SECONDS,
    )

    assert done.returncode == 1
    assert "devstack: collectstatic of the event service failed" in done.stderr
    assert "times/no.png" in done.stderr
