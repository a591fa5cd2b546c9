"""The processes of the two services, and how to tell that they respond."""

import http.client
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import processes
from devstack.environment import ROOT
from devstack.errors import DevstackError
from devstack.ports import LOOPBACK
from devstack.runner import Program, Runner
from shared.workers.check import check
from shared.workers.heartbeat import full_name, is_alive, read_all

MANAGE = {"event": "manage_event.py", "booking": "manage_booking.py"}
API_PORTS = {"event": "EVENT_PORT", "booking": "BOOKING_PORT"}
# The processes that talk to the broker: the service each belongs to, and its command.
WORKERS = {
    "event_relay": ("event", "relay_outbox"),
    "consumer": ("booking", "consume_events"),
    "booking_relay": ("booking", "relay_outbox"),
    "notifier": ("booking", "notify_bookings"),
}
METRICS_PORTS = {
    "event_relay": "EVENT_RELAY_METRICS_PORT",
    "consumer": "CONSUMER_METRICS_PORT",
    "booking_relay": "BOOKING_RELAY_METRICS_PORT",
    "notifier": "NOTIFIER_METRICS_PORT",
}
NAMES = (*API_PORTS, *WORKERS)


def programs(ports: Mapping[str, int]) -> list[Program]:
    return [
        *(
            _app(
                service,
                *("-m", "gunicorn", "-c", f"deploy/gunicorn_{service}.py"),
                f"{service}_project.wsgi",
            )
            for service in API_PORTS
        ),
        *(
            _app(name, MANAGE[service], command, "--metrics", metrics_address(name, ports))
            for name, (service, command) in WORKERS.items()
        ),
    ]


def url(service: str, ports: Mapping[str, int]) -> str:
    return f"http://localhost:{ports[API_PORTS[service]]}"


def metrics_address(name: str, ports: Mapping[str, int]) -> str:
    """Where Prometheus finds the metrics of an API or a worker."""
    return f"{LOOPBACK}:{ports[(API_PORTS | METRICS_PORTS)[name]]}"


def is_healthy(service: str, ports: Mapping[str, int]) -> bool:
    return answers(ports[API_PORTS[service]], "/health")


def answers(port: int, path: str, *, host: str = LOOPBACK, seconds: float = 20) -> bool:
    """Whether GET of this path is answered 200 within this time."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def manage(service: str, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs a management command at the caller's terminal and returns its exit status."""
    return subprocess.run(
        [sys.executable, MANAGE[service], *words], cwd=ROOT, env=environ, check=False
    ).returncode


def has_begun(worker: str, folder: Path) -> bool:
    """Whether the worker has written its first heartbeat."""
    service, command = WORKERS[worker]
    pulses = read_all(folder, full_name(service, command))
    return any(pulse is not None and is_alive(pulse) for _, pulse in pulses)


def complaint(worker: str, folder: Path) -> str:
    """What keeps the worker from working, by its heartbeat in `folder`; empty if nothing does."""
    service, command = WORKERS[worker]
    health = check(folder, full_name(service, command))
    return "" if health.healthy else health.sentence


def migrate(runner: Runner, environ: Mapping[str, str]) -> None:
    """Brings both databases up to date, at the same time."""
    running = {}
    for service, script in MANAGE.items():
        with runner.log_of(f"migrate_{service}").open("ab") as log:
            running[service] = subprocess.Popen(
                [sys.executable, script, "migrate", "--noinput"],
                cwd=ROOT,
                env={**environ, processes.MARK: str(runner.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
    for service, process in running.items():
        if process.wait() != 0:
            raise DevstackError(runner.failure_report(f"migrate_{service}", "failed"))


def _app(name: str, *arguments: str) -> Program:
    return Program(name=name, group="apps", command=[sys.executable, *arguments])
