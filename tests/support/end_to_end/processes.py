"""A part of the system as a process: started, waited for, stopped by its pid, with its log."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]


class Part:
    def __init__(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> None:
        """`arguments` are those of the Python interpreter."""
        self.name = name
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self.environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that this one has forked."""
        children: list[psutil.Process] = psutil.Process(self.pid).children()
        return children

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=ROOT,
                env=self.environ,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def stop(self) -> int:
        """Asks it to end, as an operator's process runner does. Returns its exit status."""
        if self._process is None:
            return 0
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL, also for its workers."""
        if not self.is_running:
            return
        assert self._process is not None
        # A stopped process forks no other one that this would miss.
        self._process.send_signal(signal.SIGSTOP)
        workers = psutil.Process(self.pid).children(recursive=True)
        self._process.kill()
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self._process.wait()
        psutil.wait_procs(workers)

    def text(self, start: int = 0) -> str:
        """The log, from that byte on."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[start:].decode(errors="replace")
