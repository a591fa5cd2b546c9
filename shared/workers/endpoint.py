"""What a worker serves over HTTP: its metrics, and whether its loop runs.

`shared/api` serves the same for a service. The thread that serves goes on while the loop hangs.
"""

import argparse
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from prometheus_client.exposition import make_wsgi_app, start_http_server

from shared.workers.check import complaint_of, hang_of
from shared.workers.heartbeat import Heartbeat, Pulse

_PROBES: dict[str, Callable[[Pulse], str]] = {
    # For those that restart a worker: it does not help one that waits for a server.
    "/health/live": hang_of,
    # For those that want to know whether it works.
    "/health/ready": complaint_of,
}


class Address(NamedTuple):
    host: str
    port: int


def address(text: str) -> Address:
    """Parses `host:port`; an argparse type."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port, like 127.0.0.1:9101")
    return Address(host, int(port))


def add_metrics_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metrics",
        type=address,
        metavar="HOST:PORT",
        help="serve this process's metrics and health there, for Prometheus and probes",
    )


def serve(at: Address, heartbeat: Heartbeat) -> None:
    """In a separate thread, until the process ends. Raises `OSError` if the port is taken."""
    metrics: Any = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        probe = _PROBES.get(environ["PATH_INFO"])
        if probe is None:
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        complaint = probe(heartbeat.pulse)
        status = "503 Service Unavailable" if complaint else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{complaint or 'ok'}\n".encode()]

    server, _ = start_http_server(at.port, addr=at.host)
    server.set_app(app)
