"""Middleware for people with a browser, at no cost to API clients.

Sessions, log-in, CSRF and messages cost a request about as much as booking a seat does.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from axes.middleware import AxesMiddleware
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from shared.auth import refusals
from shared.auth.hashing import TooManyHashes

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Compared first, because nearly all requests have one of them.
_ACCEPTS_NO_PAGE = {"*/*", "application/json"}
_MAY_ACCEPT_A_PAGE = re.compile(r"text|html", re.IGNORECASE)


def is_api_client(request: HttpRequest) -> bool:
    """Whether this is a call of the API, or for a page's data, that neither wants HTML nor carries
    a session."""
    if request.META.get("HTTP_COOKIE") or not _is_for_programs(request.path_info):
        return False
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    return accept in _ACCEPTS_NO_PAGE or not _MAY_ACCEPT_A_PAGE.search(accept)


def _is_for_programs(path: str) -> bool:
    return path.startswith("/api/v1/") or (
        path.endswith(".json") and not path.startswith("/static/")
    )


class ForBrowsers:
    """Middleware. Those listed after it are for people: API clients pass them and go to the view.

    Django's handler still calls their `process_view` and `process_exception` for all requests.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._view = _behind_all(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._view(request) if is_api_client(request) else self.get_response(request)


def _behind_all(get_response: Any) -> GetResponse:
    """Past all middleware that can be passed: those that keep theirs as `get_response`."""
    while following := getattr(get_response.__wrapped__, "get_response", None):
        get_response = following
    passed: GetResponse = get_response
    return passed


class BrowserRefusals(AxesMiddleware):  # type: ignore[misc]  # axes has no types
    """Pages that say why something is not possible now: 429 if a log-in was refused because of too
    many failures, 503 if the database is away or too many users log in at once. For the API itself,
    REST framework answers."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, TooManyHashes):
            return refusals.busy()
        if isinstance(exception, OperationalError | InterfaceError):
            logger.error("the database is away: %s", exception)
            return refusals.busy()
        return None
