import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from devstack import processes
from tests.support.waiting import PATIENCE_SECONDS, until


@contextmanager
def sleeper(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Its mark can be read: for a moment after its start, a program has no environment yet."""
    with subprocess.Popen(
        ["sleep", "3600"], env=os.environ | {processes.MARK: str(folder)}
    ) as process:
        try:
            until(lambda: psutil.Process(process.pid).environ().get(processes.MARK), "its mark")
            yield process
        finally:
            process.kill()


def test_a_process_is_found_by_its_mark_and_ended(tmp_path: Path) -> None:
    with sleeper(tmp_path) as mine, sleeper(tmp_path / "other") as foreign:
        assert [process.pid for process in processes.of(tmp_path)] == [mine.pid]
        processes.end(tmp_path)
        assert mine.wait(timeout=PATIENCE_SECONDS) != 0
        assert foreign.poll() is None


def test_an_ended_process_that_nobody_waited_for_counts_as_gone(tmp_path: Path) -> None:
    with sleeper(tmp_path) as process:
        process.kill()
        assert processes.wait_gone(tmp_path, seconds=PATIENCE_SECONDS)


def test_the_caller_is_never_among_the_processes_to_end(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from devstack import processes\n"
        "print(processes.of(Path(sys.argv[1])))"
    )
    found = subprocess.run(
        ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {processes.MARK: str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"
