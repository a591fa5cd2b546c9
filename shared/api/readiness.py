"""`GET /health/ready`: whether a balancer should send this process requests."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.health import ProbeView
from shared.api.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, identified, problem
from shared.api.schema import Refusal, problem_headers, problem_responses
from shared.db.readiness import DatabaseReadiness
from shared.observability.draining import draining

# Longer than a relay needs for its messages while all is well.
BEHIND_SECONDS = 60


NOT_READY = Refusal(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="not_ready",
    message="the database has not answered within 1 s",
)


class Readiness(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="Always `ready`.")
    service = serializers.CharField(help_text="The name of the service.")
    broker = serializers.ChoiceField(
        choices=["ok", "behind"],
        help_text=f"`behind` if a message has waited for the broker for {BEHIND_SECONDS} s.",
    )


class _ReadinessView(ProbeView):
    """Whether the service can do its work."""

    # It measures for how many seconds the oldest message has been waiting for the broker.
    database = DatabaseReadiness(measure=float)

    @extend_schema(
        operation_id="get_readiness",
        tags=["health"],
        summary="Can the service do its work?",
        description=(
            "Its database answers within a second and has all migrations, and the process isn't "
            "about to end. A broker that is away doesn't matter: its messages are kept."
        ),
        parameters=problem_headers({HTTPStatus.SERVICE_UNAVAILABLE}),
        responses={
            (200, "application/json"): OpenApiResponse(Readiness, description="Send requests."),
            **problem_responses([NOT_READY]),
        },
        auth=[],
    )
    def get(self, request: Request) -> Response:
        if draining.is_set():
            return _not_ready("the process is about to end")
        complaint, waited = self.database.check()
        if complaint:
            return _not_ready(complaint)
        return Response(
            {
                "status": "ready",
                "service": self.service,
                "broker": "behind" if waited > BEHIND_SECONDS else "ok",
            }
        )


def _not_ready(complaint: str) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return Response(
        identified(problem(status=status, code="not_ready", detail=complaint)),
        status=status,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        content_type=CONTENT_TYPE,
    )


def readiness_view(
    service: str, *, oldest_pending: Callable[[], float]
) -> Callable[..., HttpResponseBase]:
    view: Callable[..., HttpResponseBase] = _ReadinessView.as_view(
        service=service, database=DatabaseReadiness(measure=oldest_pending)
    )
    return view
