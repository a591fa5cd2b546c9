"""Writes that another site's page makes a browser send without its user knowing.

Tokens protect against them, because such a page has no token. An open API and sessions are exposed
to whatever a page can send without the browser asking the service first.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.http import is_same_domain
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
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        if not _is_trusted(origin, request):
            raise CrossOrigin
    # Browsers send an Origin with every write, and this header with every request. Other clients
    # send neither.
    elif request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        raise CrossOrigin


def _is_trusted(origin: str, request: Request) -> bool:
    """By Django's rule for forms: this service, with the scheme that a trusted proxy names, or one
    of CSRF_TRUSTED_ORIGINS."""
    if origin == f"{request.scheme}://{request.get_host()}":
        return True
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    return any(
        found.scheme == trusted.scheme and is_same_domain(found.netloc, trusted.netloc.lstrip("*"))
        for trusted in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
    )
