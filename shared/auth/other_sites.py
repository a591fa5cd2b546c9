"""Writes that another site's page makes a browser send without its user knowing.

Tokens protect against them, because such a page has no token. An open API and sessions are exposed
to whatever a page can send without the browser asking the service first.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request


class CrossOrigin(APIException):
    status_code = HTTPStatus.FORBIDDEN
    default_code = "cross_origin"
    default_detail = "pages of other sites may not write here"


def refuse_other_sites(request: Request) -> None:
    """Raises `CrossOrigin`. Reads pass."""
    if request.method in SAFE_METHODS:
        return
    if "HTTP_ORIGIN" in request.META:
        if not _Origins(_unused).is_ours(request._request):
            raise CrossOrigin
    # Browsers send an Origin with every write, and this header with every request. Other clients
    # send neither.
    elif request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        raise CrossOrigin


class _Origins(CsrfViewMiddleware):
    """Django's rule, with CSRF_TRUSTED_ORIGINS and the scheme that a trusted proxy names."""

    def is_ours(self, request: HttpRequest) -> bool:
        """Whether its `Origin`, which must be there, is this service or one that it trusts."""
        return bool(self._origin_verified(request))  # type: ignore[attr-defined]


def _unused(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError
