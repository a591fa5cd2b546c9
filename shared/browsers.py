"""Django's middleware for people with a browser, which API clients don't pay for.

Sessions, log-in, CSRF and messages cost a request about as much as booking a seat does.
"""

from collections.abc import Awaitable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin


def is_api_client(request: HttpRequest) -> bool:
    """Whether this is a call of the API that neither wants HTML nor carries a session."""
    return (
        request.path_info.startswith("/api/v1/")
        and "HTTP_COOKIE" not in request.META
        and "text/html" not in request.META.get("HTTP_ACCEPT", "")
    )


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
