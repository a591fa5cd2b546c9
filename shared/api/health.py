"""`GET /health`: the process is up. Checks neither database nor broker, as it survives both."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.negotiation import OneForAll
from shared.api.renderers import JSONRenderer
from shared.api.views import APIView


class Health(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="Always `ok`.")
    service = serializers.CharField(help_text="The name of the service.")


class ProbeView(APIView):
    """For balancers and orchestrators: no caller, no limits, JSON whatever they accept."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    content_negotiation_class = OneForAll
    service = ""


class _HealthView(ProbeView):
    """Whether the process is up."""

    @extend_schema(
        operation_id="get_health",
        tags=["health"],
        summary="Is the service up?",
        description="Checks neither the database nor the broker.",
        responses=OpenApiResponse(Health, description="The process is up."),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "service": self.service})


def health_view(service: str) -> Callable[..., HttpResponseBase]:
    view: Callable[..., HttpResponseBase] = _HealthView.as_view(service=service)
    return view
