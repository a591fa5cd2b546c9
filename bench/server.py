"""The booking API under gunicorn, as deployed, on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.errors import BenchError
from bench.processes import manage, own_environment, running, wait
from devstack.ports import LOOPBACK, private

START_SECONDS = 30
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
        """Wait for the requests whose clients are gone: a worker closes each after answering."""
        wait(
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
    """Migrates the database, starts the API and stops it at the end. `log` gets its output."""
    port = private()["BOOKING_PORT"]
    environment = own_environment(
        BOOKING_DATABASE_URL=database_url,
        BOOKING_PORT=str(port),
        BIND_HOST=LOOPBACK,
        DEBUG="false",
    )
    manage("booking", environment, "migrate", "--verbosity=0")
    gunicorn = [
        *("-m", "gunicorn", "--config", "deploy/gunicorn_booking.py"),
        "bench.yardstick_wsgi:application",
    ]
    with running(gunicorn, environment, log) as process:
        server = Server(port, process, environment)
        wait(
            lambda: has_started(process, server.url),
            START_SECONDS,
            "the API did not start",
        )
        yield server


def has_started(process: psutil.Process, url: str) -> bool:
    """Whether the service at `url` is healthy. Raises `BenchError` if the process has ended."""
    if process.status() == psutil.STATUS_ZOMBIE:
        raise BenchError("the API did not start")
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def verify_bookings(server: Server) -> str | None:
    """What the service's own check reports as wrong, or None."""
    try:
        manage("booking", server.environment, "verify_bookings")
    except BenchError as error:
        return str(error)
    return None
