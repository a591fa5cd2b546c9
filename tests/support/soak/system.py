"""Everything that production runs, behind the nginx of deploy/nginx."""

import contextlib
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from devstack.ports import LOOPBACK, free_port
from tests.support.deploy.nginx import BOOKINGS_HOST, EVENTS_HOST, Nginx, nginx_before
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.processes import ROOT, Part
from tests.support.end_to_end.servers import fresh_vhost, required
from tests.support.end_to_end.system import gunicorn, mail_folder, migrate, neutral_environ
from tests.support.faults.copies import Databases
from tests.support.faults.servers import Servers
from tests.support.faults.system import durable_database
from tests.support.waiting import until

EVENT_API, BOOKING_API = "event API", "booking API"
WORKERS = {
    "event relay": ("event", "relay_outbox"),
    "booking relay": ("booking", "relay_outbox"),
    "consumer": ("booking", "consume_events"),
    "notifier": ("booking", "notify_bookings"),
}
READY_SECONDS = 120


@dataclass(frozen=True)
class Instance:
    """`port` is where it says whether it is ready."""

    part: Part
    port: int

    @property
    def is_ready(self) -> bool:
        assert self.part.is_running, f"{self.part.name} ended:\n{self.part.text()[-5000:]}"
        url = f"http://127.0.0.1:{self.port}/health/ready"
        try:
            return httpx.get(url, trust_env=False, timeout=READY_SECONDS).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        until(lambda: self.is_ready, f"ready {self.part.name}", seconds=READY_SECONDS)

    def restart(self) -> None:
        """As an operator does: one after the other, and the next one when this is ready again."""
        assert self.part.stop() == 0, f"{self.part.name} ended badly:\n{self.part.text()[-5000:]}"
        self.part.start()
        self.wait_until_ready()


@dataclass(frozen=True)
class Fleet:
    """`kinds` has the instances of each part."""

    kinds: dict[str, list[Instance]]
    nginx: Nginx
    environ: dict[str, str]
    broker_url: str
    servers: Servers
    databases: Databases

    @property
    def instances(self) -> list[Instance]:
        return [each for instances in self.kinds.values() for each in instances]

    @contextlib.contextmanager
    def sale(self) -> Iterator[Sale]:
        """Without nginx."""
        ports = (self.kinds[name][0].port for name in (EVENT_API, BOOKING_API))
        sale = Sale(*(f"http://127.0.0.1:{port}" for port in ports))
        with contextlib.closing(sale):
            yield sale


@contextlib.contextmanager
def fleet(folder: Path, *, instances: int = 2, kept_ports: bool = False) -> Iterator[Fleet]:
    """So many instances of each part, on fresh databases and a fresh virtual host; all of it gone
    afterwards. With `kept_ports`, those of the APIs stay open while these are restarted, as under
    systemd."""
    with ExitStack() as stack:
        event_db = stack.enter_context(durable_database(required("EVENT_DATABASE_URL")))
        booking_db = stack.enter_context(durable_database(required("BOOKING_DATABASE_URL")))
        broker = stack.enter_context(fresh_vhost(required("RABBITMQ_URL")))
        environ = {
            **neutral_environ(),
            "EVENT_DATABASE_URL": event_db,
            "BOOKING_DATABASE_URL": booking_db,
            "RABBITMQ_URL": broker,
            "ALLOWED_HOSTS": f"{EVENTS_HOST},{BOOKINGS_HOST},127.0.0.1",
            "TRUSTED_PROXIES": "1",
            "TRUSTED_SCHEME_HEADER": "X-Forwarded-Proto",
            "EMAIL_URL": f"file:///{mail_folder(folder)}",
            "DRAIN_SECONDS": str(drain_seconds()),
        }
        migrate(environ)
        numbers = range(1, instances + 1)

        def api(service: str, number: int) -> Instance:
            port = free_port()
            listener = None
            if kept_ports:
                listener = stack.enter_context(socket.create_server((LOOPBACK, port), backlog=4096))
            name = f"{service}-api-{number}"
            return Instance(
                gunicorn(service, port, environ, folder, name=name, listener=listener), port
            )

        kinds = {
            EVENT_API: [api("event", number) for number in numbers],
            BOOKING_API: [api("booking", number) for number in numbers],
            **{
                kind: [_worker(kind, number, environ, folder) for number in numbers]
                for kind in WORKERS
            },
        }
        all_of_them = [each for some in kinds.values() for each in some]
        for each in all_of_them:
            stack.callback(each.part.kill)
            each.part.start()
        for each in all_of_them:
            each.wait_until_ready()
        nginx = stack.enter_context(
            nginx_before(
                folder,
                event_ports=[each.port for each in kinds[EVENT_API]],
                booking_ports=[each.port for each in kinds[BOOKING_API]],
            )
        )
        servers = Servers(event_url=event_db, booking_url=booking_db, broker_url=broker)
        databases = Databases(event_db, booking_db)
        yield Fleet(kinds, nginx, environ, broker, servers, databases)
        for each in all_of_them:
            assert each.part.stop() == 0, f"{each.part.name} ended badly"


def drain_seconds() -> int:
    """As an operator gets it."""
    text = (ROOT / "deploy" / "systemd" / "common.env").read_text()
    found = re.search(r"^DRAIN_SECONDS=(\d+)$", text, re.M)
    assert found
    return int(found[1])


def _worker(kind: str, number: int, environ: dict[str, str], folder: Path) -> Instance:
    service, command = WORKERS[kind]
    port = free_port()
    arguments = [f"manage_{service}.py", command, "--metrics", f"127.0.0.1:{port}"]
    return Instance(Part(f"{kind.replace(' ', '-')}-{number}", arguments, environ, folder), port)
