"""The folder in which the worker processes of one gunicorn share their metrics.

prometheus-client decides by this environment variable, when it is imported, whether counters are
kept in files that the process which is asked can add up.
"""

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "event-reservation-metrics-"


def begin() -> None:
    """In the master, before the first worker. Removes what killed masters have left."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        # Another master may be removing it, too; and nobody can remove that of another user.
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")


def forget(pid: int) -> None:
    """Of a worker that has ended, counters stay and gauges go."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def end() -> None:
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)
