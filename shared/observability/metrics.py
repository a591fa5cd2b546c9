"""Prometheus metrics: a service's at `/metrics`, a command's at the address that it is given."""

import argparse
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

from shared.api.problems import RETRY_AFTER_SECONDS, method_not_allowed, problem_response
from shared.db.errors import is_unavailable


def metrics_view(*collectors: Collector) -> Callable[[HttpRequest], HttpResponse]:
    """What `collectors` find at the moment of the request, the same in each worker process."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)

    def metrics(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return method_not_allowed(request, allowed=("GET", "HEAD"))
        try:
            text = generate_latest(registry)
        except Error as error:
            if not is_unavailable(error):
                raise
            return problem_response(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                code="try_again_later",
                detail="the database is away",
                retry_after=RETRY_AFTER_SECONDS,
            )
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)

    return metrics


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
