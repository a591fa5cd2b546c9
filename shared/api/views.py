"""The base of the API's views."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework import views
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.negotiation import takes_json
from shared.api.renderers import JSONRenderer

_JSON = JSONRenderer()


class APIView(views.APIView):
    """REST framework's, with the same answers at less cost.

    Parsers, authenticators and permissions have no state, so all requests share them. Renderers of
    pages have state: each request has its own.
    """

    # A response to one caller must not be cached for another. That includes refusals.
    is_private: ClassVar[bool] = False

    def get_parsers(self) -> list[BaseParser]:
        return _shared(tuple(self.parser_classes))

    def get_authenticators(self) -> list[BaseAuthentication]:
        return _shared(tuple(self.authentication_classes))

    def get_permissions(self) -> list[BasePermission]:
        return _shared(tuple(self.permission_classes))

    @property
    def default_response_headers(self) -> dict[str, str]:
        return dict(_headers(type(self)))  # type: ignore[arg-type]  # classes are hashable

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        if takes_json(request):
            return _JSON, _JSON.media_type
        return super().perform_content_negotiation(request, force)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if not response.has_header("Vary"):
            for name, value in self.headers.items():
                response.headers[name] = value
            self.headers = {}
        return super().finalize_response(request, response, *args, **kwargs)


@cache
def _shared(classes: tuple[type[Any], ...]) -> list[Any]:
    return [each() for each in classes]


@cache
def _headers(view_class: type[APIView]) -> Mapping[str, str]:
    """The headers of every response. They depend on nothing but the class."""
    view = view_class()
    view.setup(HttpRequest())
    headers: dict[str, str] = super(APIView, view).default_response_headers
    if view.is_private:
        headers["Vary"] += ", Authorization, Cookie"
        headers["Cache-Control"] = "no-store"
    return headers
