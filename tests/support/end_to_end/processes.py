"""A part of the system as a process: started, waited for, stopped by its pid, with its log."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]

# systemd's protocol: the first socket is descriptor 3, and is meant for the process of this id.
_ACTIVATE = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


class Part:
    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        *,
        checkout: Path = ROOT,
        listener: socket.socket | None = None,
    ) -> None:
        """`arguments` are those of the Python interpreter. A `listener` is given as by systemd:
        it stays open while the part is restarted."""
        self.name = name
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self.environ = dict(environ)
        self._checkout = checkout
        self._listener = listener
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
        arguments, handed_over = list(self._arguments), []
        if self._listener is not None:
            handed_over = [self._listener.fileno()]
            arguments = ["-c", _ACTIVATE, *map(str, handed_over), *arguments]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self._checkout,
                pass_fds=handed_over,
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
