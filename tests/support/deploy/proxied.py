"""Both services behind a real nginx, set up as docs/deploy.md says."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from devstack.ports import free_port
from tests.support.deploy.nginx import BOOKINGS_HOST, EVENTS_HOST, nginx_before
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.servers import fresh_database, required
from tests.support.end_to_end.system import gunicorn, migrate, neutral_environ, wait_until_healthy
from tests.support.waiting import PATIENCE_SECONDS

BEHIND_NGINX = {
    "ALLOWED_HOSTS": f"{EVENTS_HOST},{BOOKINGS_HOST},127.0.0.1",
    "TRUSTED_PROXIES": "1",
    "TRUSTED_SCHEME_HEADER": "X-Forwarded-Proto",
    "HSTS_SECONDS": "600",
    "RATE_LIMIT_WRITES": "40/hour",
}


@dataclass
class Proxied:
    event: Part
    booking: Part
    event_port: int
    booking_port: int
    http_port: int
    tls_port: int
    certificate: Path
    nginx: psutil.Process

    def client(self, host: str = EVENTS_HOST, *, address: str = "127.0.0.1") -> httpx.Client:
        """A client of that address, which checks the certificate of `host`."""
        transport = httpx.HTTPTransport(verify=self.tls(), local_address=address)
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.tls_port}",
            headers={"Host": host},
            transport=_Named(transport, host),
            timeout=PATIENCE_SECONDS,
        )

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def connections_to(self, port: int) -> int:
        """How many nginx has open to this port of a service."""
        return sum(
            1
            for process in self.nginx.children()
            for each in process.net_connections("tcp")
            if each.raddr and each.raddr.port == port and each.status == psutil.CONN_ESTABLISHED
        )


class _Named(httpx.BaseTransport):
    """Asks for the certificate of a name that no resolver knows."""

    def __init__(self, inner: httpx.BaseTransport, name: str) -> None:
        self._inner = inner
        self._name = name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = self._name
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def proxied(folder: Path) -> Iterator[Proxied]:
    event_port, booking_port = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        databases = {
            name: stack.enter_context(fresh_database(required(name)))
            for name in ("EVENT_DATABASE_URL", "BOOKING_DATABASE_URL")
        }
        environ = {**neutral_environ(), **databases, **BEHIND_NGINX}
        migrate(environ)
        event = gunicorn("event", event_port, environ, folder)
        booking = gunicorn("booking", booking_port, environ, folder)
        for part, port in ((event, event_port), (booking, booking_port)):
            stack.callback(part.kill)
            part.start()
            wait_until_healthy(f"http://127.0.0.1:{port}", part)
        # With a rate that a test can exceed.
        nginx = stack.enter_context(
            nginx_before(
                folder,
                event_ports=[event_port],
                booking_ports=[booking_port],
                requests_a_second=1,
            )
        )
        yield Proxied(
            event,
            booking,
            event_port,
            booking_port,
            nginx.http_port,
            nginx.tls_port,
            nginx.certificate,
            nginx.process,
        )
