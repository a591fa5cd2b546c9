"""Pages that tell a browser's user why they can't be let in now."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

SECONDS_UNTIL_NEXT_TRY = 5


def too_many_failures(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """429, AXES_LOCKOUT_CALLABLE. It does not say which limit was reached."""
    pause: timedelta = settings.AXES_COOLOFF_TIME
    return _refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many wrong passwords"),
        _(
            "Logins with this name or from this network are refused for now. Try again in "
            "%(minutes)s minutes, or ask an administrator of this service."
        )
        % {"minutes": pause // timedelta(minutes=1)},
        retry_after=int(pause.total_seconds()),
    )


def busy() -> HttpResponse:
    """503."""
    return _refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("Please try again"),
        _("The service is busy. Try again in a few seconds."),
        retry_after=SECONDS_UNTIL_NEXT_TRY,
    )


def _refusal(status: HTTPStatus, title: str, text: str, *, retry_after: int) -> HttpResponse:
    """`retry_after` in seconds."""
    # Rendered without the request: its user and messages are in the database, which may be away.
    page = render_to_string("shared_auth/refusal.html", {"title": title, "text": text})
    headers = {"Retry-After": str(retry_after), "Cache-Control": "no-store"}
    return HttpResponse(page, status=status, headers=headers)
