"""Django's middleware for people with a browser, at no cost to API clients.

Sessions, log-in, CSRF and messages cost a request about as much as booking a seat does.
"""

import logging
import re
from collections.abc import Awaitable

from axes.middleware import AxesMiddleware
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from shared.auth import refusals
from shared.auth.hashing import TooManyHashes

logger = logging.getLogger(__name__)

# Compared first, because nearly all requests have one of them.
_ACCEPTS_NO_PAGE = {"*/*", "application/json"}
_MAY_ACCEPT_A_PAGE = re.compile(r"text|html", re.IGNORECASE)


def is_api_client(request: HttpRequest) -> bool:
    """Whether this is a call of the API that neither wants HTML nor carries a session."""
    if "HTTP_COOKIE" in request.META or not request.path_info.startswith("/api/v1/"):
        return False
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    return accept in _ACCEPTS_NO_PAGE or not _MAY_ACCEPT_A_PAGE.search(accept)


class _BrowsersOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if is_api_client(request):
            return self.get_response(request)
        return super().__call__(request)


class BrowserSessions(_BrowsersOnly, SessionMiddleware):
    pass


class BrowserCsrf(_BrowsersOnly, CsrfViewMiddleware):
    pass


class BrowserLogins(_BrowsersOnly, AuthenticationMiddleware):
    pass


class BrowserMessages(_BrowsersOnly, MessageMiddleware):
    pass


class BrowserFrames(_BrowsersOnly, XFrameOptionsMiddleware):
    pass


class BrowserPolicies(_BrowsersOnly, CSPMiddleware):
    pass


class BrowserRefusals(AxesMiddleware):  # type: ignore[misc]  # axes has no types
    """Pages that say why something is not possible now: 429 if a log-in was refused because of too
    many failures, 503 if the database is away or too many users log in at once. For the API itself,
    REST framework answers."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = (
            self.get_response(request) if is_api_client(request) else super().__call__(request)
        )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, TooManyHashes):
            return refusals.busy()
        if isinstance(exception, OperationalError | InterfaceError):
            logger.error("the database is away: %s", exception)
            return refusals.busy()
        return None
