"""Both services behind a real nginx, set up as docs/deploy.md says."""

import contextlib
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from devstack import nginx
from devstack.ports import free_port
from tests.support.certificates import write_certificate
from tests.support.end_to_end.processes import ROOT, Part
from tests.support.end_to_end.servers import fresh_database, required
from tests.support.end_to_end.system import gunicorn, migrate, neutral_environ, wait_until_healthy
from tests.support.waiting import PATIENCE_SECONDS, until

EVENTS_HOST = "events.example"
BOOKINGS_HOST = "bookings.example"
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
    ports = [free_port() for _ in range(4)]
    event_port, booking_port, http_port, tls_port = ports
    certificate = folder / "certificate.pem"
    write_certificate(certificate, EVENTS_HOST, BOOKINGS_HOST)
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
        configuration = _configuration(
            folder,
            certificate,
            event_port=event_port,
            booking_port=booking_port,
            http_port=http_port,
            tls_port=tls_port,
        )
        running = stack.enter_context(_running(configuration, folder / "nginx.log", http_port))
        yield Proxied(event, booking, *ports, certificate, psutil.Process(running.pid))


def _configuration(folder: Path, certificate: Path, **ports: int) -> Path:
    """The files of deploy/nginx with other ports and folders, and with a rate that a test can
    exceed."""
    etc = folder / "etc"
    shutil.copytree(ROOT / "deploy" / "nginx", etc)
    changes = {
        r"listen \[::\]:\d+[^;]*;": "",  # not every machine has IPv6
        r"listen 80\b": f"listen 127.0.0.1:{ports['http_port']}",
        r"listen 443\b": f"listen 127.0.0.1:{ports['tls_port']}",
        r"127\.0\.0\.1:8081": f"127.0.0.1:{ports['event_port']}",
        r"127\.0\.0\.1:8082": f"127.0.0.1:{ports['booking_port']}",
        r"/etc/ssl/event-reservation/\w+\.pem": str(certificate),
        r"/var/lib/nginx": str(folder),
        r"/etc/nginx": str(etc),
        r"rate=100r/s": "rate=1r/s",
    }
    texts = {file: file.read_text() for file in etc.rglob("*.conf")}
    for pattern, replacement in changes.items():
        assert any(re.search(pattern, text) for text in texts.values()), pattern
        texts = {file: re.sub(pattern, replacement, text) for file, text in texts.items()}
    for file, text in texts.items():
        file.write_text(text)
    main = etc / "nginx.conf"
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"""\
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr info;
events {{ worker_connections 512; }}
http {{
    access_log off;
{temporary}
    include event-reservation.conf;
}}
"""
    )
    return main


@contextlib.contextmanager
def _running(configuration: Path, log: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    program = nginx.executable()
    assert program, "there is no nginx: python -m devstack.nginx"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "-e", "stderr", "-p", configuration.parent, "-c", configuration],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": EVENTS_HOST}, trust_env=False)
        except httpx.TransportError:
            return False
        return True

    try:
        until(answers, "answer from nginx")
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
