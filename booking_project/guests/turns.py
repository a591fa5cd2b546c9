"""A guest's place in a waiting room is in a cookie of its event."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from booking_project.bookings.services.waiting_room import cookie_name

_SECONDS = 24 * 60 * 60


def turn_of(request: HttpRequest, event_id: int) -> str | None:
    """The token, as it was sent."""
    return request.COOKIES.get(cookie_name(event_id))


def keep_turn(response: HttpResponse, event_id: int, token: str) -> None:
    response.set_cookie(
        cookie_name(event_id),
        token,
        max_age=_SECONDS,
        path=reverse("guests:event", args=[event_id]),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
