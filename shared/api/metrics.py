"""A service's Prometheus metrics, at `/metrics`."""

import os
from collections.abc import Callable
from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shared.api.problems import RETRY_AFTER_SECONDS, method_not_allowed, problem_response
from shared.db.errors import is_unavailable

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def metrics_view(*collectors: Collector) -> Callable[[HttpRequest], HttpResponse]:
    """What `collectors` find at the moment of the request, and what all worker processes count."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    if MULTIPROCESS in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:  # one process, such as `runserver`
        registry.register(REGISTRY)

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
