"""Serves a command's Prometheus metrics. `shared/api/metrics.py` serves those of a service."""

import argparse
from typing import NamedTuple

from prometheus_client.exposition import start_http_server


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
        help="serve this process's metrics there, for Prometheus",
    )


def serve_metrics(at: Address | None) -> None:
    """In a separate thread, until the process ends. Raises `OSError` if the port is taken."""
    if at is not None:
        start_http_server(at.port, addr=at.host)
