"""The schema and its pages, without login: `/api/schema/`, `/api/docs/`, `/api/redoc/`."""

import functools
from collections.abc import Iterable
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import path
from drf_spectacular import renderers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from shared.api.negotiation import OneForAll

# Both pages write style elements; Redoc searches in a worker that it makes from a blob.
_guarded = csp_update({"style-src": [SELF, UNSAFE_INLINE], "worker-src": [SELF, "blob:"]})


@functools.cache
def _schema() -> Any:
    return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]


class _OnceGenerator(SchemaGenerator):
    """Generates the schema once: it is the same for everybody and takes 0.1 s."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> Any:
        return _schema()


class _FormatOrAccept(DefaultContentNegotiation):
    """Also accepts `?format=yaml`, for clients that can't set a header."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        chosen: tuple[BaseRenderer, str] = super().select_renderer(
            request, renderers, format_suffix or request.GET.get("format")
        )
        return chosen


class _Schema(SpectacularAPIView):
    generator_class = _OnceGenerator
    content_negotiation_class = _FormatOrAccept
    renderer_classes = [
        renderers.OpenApiJsonRenderer2,
        renderers.OpenApiJsonRenderer,
        renderers.OpenApiYamlRenderer2,
        renderers.OpenApiYamlRenderer,
    ]


class _SwaggerUI(SpectacularSwaggerSplitView):
    """Its script is a separate file: the policy allows none inside a page."""

    content_negotiation_class = OneForAll


class _Redoc(SpectacularRedocView):
    template_name = "shared_api/redoc.html"
    content_negotiation_class = OneForAll


urlpatterns = [
    path("api/schema/", _Schema.as_view(), name="schema"),
    path("api/docs/", _guarded(_SwaggerUI.as_view()), name="docs"),
    path("api/redoc/", _guarded(_Redoc.as_view()), name="redoc"),
]
