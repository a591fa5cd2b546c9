"""Requests by route, method and status, with their duration, over all processes of a service."""

from functools import cache
from typing import Any

from prometheus_client import Histogram

_DURATION = Histogram(
    "http_request_duration_seconds",
    "From the end of a request's headers to the last byte of its answer",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def observe_request(*, route: str, method: str, status: int, seconds: float) -> None:
    """`route` is a URL pattern, never a path: there must be few of them."""
    _of(route, method if method in METHODS else "other", status).observe(seconds)


@cache
def _of(route: str, method: str, status: int) -> Any:
    """Looking up a metric by its labels costs more than observing it."""
    return _DURATION.labels(route, method, str(status))
