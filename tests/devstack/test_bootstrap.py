"""Checks before anything is installed."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.environment import ROOT

# A Python without our packages, as on a new machine.
BARE_PYTHON = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh clone, without .venv."""
    shutil.copytree(ROOT / "devstack", tmp_path / "devstack")
    for name in ("Makefile", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def start(checkout: Path, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "start"],
        cwd=checkout,
        # No packages are available, so a run that starts to install fails.
        env=inherited | {"PYTHON": str(BARE_PYTHON), "PIP_NO_INDEX": "1", **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("by", ["environment", ".env"])
def test_a_taken_port_is_refused_before_anything_is_installed(
    checkout: Path, environ: dict[str, str], by: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        if by == ".env":
            environ.pop("BOOKING_PORT")
            (checkout / ".env").write_text(f'EVENT_PORT=\nBOOKING_PORT="{port}" # taken\n')
        else:
            environ["BOOKING_PORT"] = port
        done = start(checkout, environ)

    assert done.returncode != 0
    assert f"port {port}, which the booking API needs, is taken" in done.stderr
    assert "set BOOKING_PORT" in done.stderr
    assert not (checkout / ".venv").exists()


def test_with_free_ports_packages_are_installed(checkout: Path, environ: dict[str, str]) -> None:
    done = start(checkout, environ)

    assert "installing requirements-dev.lock" in done.stdout
    assert "is taken" not in done.stderr
