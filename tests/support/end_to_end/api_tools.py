"""Tools that use the API's schemas: client generators, Node, newman."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.end_to_end.processes import ROOT

CLIENTS = ROOT / "clients"
BIN = Path(sys.prefix) / "bin"
# Looked at by services that ask for tokens only.
TOKEN = "none"


def run(
    *command: str | Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def run_well(*command: str | Path, environ: Mapping[str, str] | None = None) -> str:
    """Runs a command that must succeed, and returns its output."""
    answer = run(*command, environ=environ)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def node_package(path: str) -> Path:
    """A program in clients/node_modules. Skips the test where npm has not installed them."""
    if not (CLIENTS / "node_modules" / ".installed").exists():
        pytest.skip("clients/node_modules is missing: type `make clients`")
    return CLIENTS / "node_modules" / path
