"""The booking API under gunicorn, as deployed, on a free port."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.errors import BenchError
from devstack.ports import LOOPBACK, private

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 30
QUIET_SECONDS = 20


@dataclass(frozen=True)
class Server:
    port: int
    process: psutil.Process
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def workers(self) -> list[psutil.Process]:
        return sorted(self.process.children(), key=lambda process: process.pid)

    def wait_until_quiet(self) -> None:
        """Wait for the requests whose clients have gone: a worker closes after its answer."""
        _wait(
            lambda: not any(self._connections(worker) for worker in self.workers),
            QUIET_SECONDS,
            "the API still had connections open after its clients had gone",
        )

    def _connections(self, worker: psutil.Process) -> int:
        return sum(
            connection.laddr.port == self.port and connection.status != psutil.CONN_LISTEN
            for connection in worker.net_connections("tcp")
        )


@contextmanager
def running_server(database_url: str, log: Path) -> Iterator[Server]:
    """Migrates the database, starts the API, stops it at the end. `log` gets its output."""
    port = private()["BOOKING_PORT"]
    environment = {
        **os.environ,
        "BOOKING_DATABASE_URL": database_url,
        "BOOKING_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "DEBUG": "false",
    }
    _manage(environment, "migrate", "--verbosity=0")
    with log.open("w") as output:
        gunicorn = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn_booking.py"),
                "bench.yardstick_wsgi:application",
            ],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        server = Server(port, psutil.Process(gunicorn.pid), environment)
        _wait(
            lambda: _has_started(gunicorn, server),
            START_SECONDS,
            "the API did not start",
        )
        yield server
    except BenchError as error:
        raise BenchError(f"{error}; the end of its log:\n{_tail(log)}") from None
    finally:
        gunicorn.terminate()
        try:
            gunicorn.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            gunicorn.kill()
            gunicorn.wait()


def verify_bookings(server: Server) -> str | None:
    """What the service's own check finds wrong, or None."""
    try:
        _manage(server.environment, "verify_bookings")
    except BenchError as error:
        return str(error)
    return None


def _manage(environment: dict[str, str], *words: str) -> None:
    command = subprocess.run(
        [sys.executable, "manage_booking.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if command.returncode != 0:
        said = "\n".join([*command.stdout.splitlines(), *command.stderr.splitlines()][-20:])
        raise BenchError(f"manage_booking.py {words[0]} failed:\n{said}")


def _has_started(gunicorn: subprocess.Popen[bytes], server: Server) -> bool:
    if gunicorn.poll() is not None:
        raise BenchError("the API did not start")
    try:
        return httpx.get(f"{server.url}/health").is_success
    except httpx.TransportError:
        return False


def _wait(condition: Callable[[], bool], seconds: float, failure: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(failure)
        time.sleep(0.05)


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text().splitlines()[-15:])
