"""`python -m devstack` as a process, apart from the servers that the tests themselves use."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from devstack import folder, ports, processes
from devstack.environment import ROOT
from devstack.runner import Runner
from tests.support.waiting import PATIENCE_SECONDS

Devstack = Callable[..., "subprocess.CompletedProcess[str]"]


@contextlib.contextmanager
def fresh_environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Free ports, an own data folder, and none of the servers of these tests."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DEVSTACK_", "EVENT_", "BOOKING_", "RABBITMQ_"))
    }
    free = {variable: str(number) for variable, number in ports.private().items()}
    data = tmp_path / "data"
    yield {**inherited, **free, "DEVSTACK_DATA": str(data), "TMPDIR": str(tmp_path)}
    Runner(data).stop()
    folder.remove(data)


def runner(environ: dict[str, str]) -> Devstack:
    def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "devstack", *words],
            cwd=ROOT,
            env=environ | more,
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE_SECONDS,
            check=False,
        )

    return run


def left_of(data: Path) -> list[int]:
    """The pids of the processes that still run for `data`."""
    return [process.pid for process in processes.of(data)]
