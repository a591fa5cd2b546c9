"""The nginx of deploy/nginx, with other ports, folders and names of files."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from devstack import nginx
from devstack.ports import free_port
from tests.support.certificates import write_certificate
from tests.support.end_to_end.processes import ROOT
from tests.support.waiting import PATIENCE_SECONDS, until

EVENTS_HOST = "events.example"
BOOKINGS_HOST = "bookings.example"


@dataclass(frozen=True)
class Nginx:
    http_port: int
    tls_port: int
    certificate: Path
    process: psutil.Process


@contextlib.contextmanager
def nginx_before(
    folder: Path,
    *,
    event_ports: Sequence[int],
    booking_ports: Sequence[int],
    requests_a_second: int = 100,
) -> Iterator[Nginx]:
    """In front of the instances of both services at these ports."""
    http_port, tls_port = free_port(), free_port()
    certificate = folder / "certificate.pem"
    write_certificate(certificate, EVENTS_HOST, BOOKINGS_HOST)
    etc = folder / "etc"
    shutil.copytree(ROOT / "deploy" / "nginx", etc)
    changes = {
        r"listen \[::\]:\d+[^;]*;": "",  # not every machine has IPv6
        r"listen 80\b": f"listen 127.0.0.1:{http_port}",
        r"listen 443\b": f"listen 127.0.0.1:{tls_port}",
        r"server 127\.0\.0\.1:8081 (.*);": _servers(event_ports),
        r"server 127\.0\.0\.1:8082 (.*);": _servers(booking_ports),
        r"/etc/ssl/event-reservation/\w+\.pem": str(certificate),
        r"/var/lib/nginx": str(folder),
        r"/etc/nginx": str(etc),
        r"rate=100r/s": f"rate={requests_a_second}r/s",
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
events {{ worker_connections 2048; }}
http {{
    access_log off;
{temporary}
    include event-reservation.conf;
}}
"""
    )
    with _running(main, folder / "nginx.log", http_port) as process:
        yield Nginx(http_port, tls_port, certificate, psutil.Process(process.pid))


def _servers(ports: Sequence[int]) -> str:
    return " ".join(f"server 127.0.0.1:{port} \\1;" for port in ports)


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
