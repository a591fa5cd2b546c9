"""Finds and ends the processes of one data folder, whatever started them and whatever died since.

Every process devstack starts inherits `DEVSTACK_INSTANCE`, the data folder, in its environment.
Unlike a pid file, this mark can't be stale. Unlike a name, it can't match an unrelated server.
"""

import contextlib
import signal
import time
from pathlib import Path

import psutil

MARK = "DEVSTACK_INSTANCE"


def of(folder: Path) -> list[psutil.Process]:
    """The live processes of `folder`, except the caller and its ancestors."""
    me = psutil.Process()
    exempt = {me.pid} | {parent.pid for parent in me.parents()}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in exempt and _is_marked(process, folder)
    ]


def wait_gone(folder: Path, seconds: float, pid: int | None = None) -> bool:
    """Waits for the processes of `folder`, or for the one with `pid`, to be gone; False if not.

    Unlike `Process.wait`, this counts zombies as gone: not every container reaps them.
    """
    deadline = time.monotonic() + seconds
    while any(pid in (None, process.pid) for process in of(folder)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def end(folder: Path) -> None:
    """Asks the processes of `folder` to stop, then kills any that are left."""
    for process in of(folder):
        _send(process, signal.SIGINT if _is_postgres(process) else signal.SIGTERM)
    if not wait_gone(folder, seconds=20):
        for process in of(folder):
            _send(process, signal.SIGKILL)
        wait_gone(folder, seconds=20)


def _is_marked(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(folder)
    except psutil.Error:
        return False  # gone meanwhile, a zombie, or another user's and so not ours


def _is_postgres(process: psutil.Process) -> bool:
    """PostgreSQL takes SIGTERM as "wait until every client has gone", SIGINT as "now"."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name() == "postgres"
    return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
