"""Who is looking at a page. A signed cookie says so: no session, and no row in the database.

With AUTH_MODE=open, guests say themselves who they are. With `jwt`, they have logged in elsewhere,
and `user_id` is the subject of their token. A cookie of one mode is worth nothing in the other.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import get_language

COOKIE = "booking_guest"
_SECONDS_OPEN = 365 * 24 * 60 * 60
_SECONDS_LOGGED_IN = 12 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    user_id: str
    name: str
    email: str
    language: str


def guest_of(request: HttpRequest) -> Guest | None:
    """None for someone who has not said who they are, or has not logged in."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_salt(), max_age=_seconds())
    except signing.BadSignature:
        return None
    return Guest(**known, language=get_language() or settings.LANGUAGE_CODE)


def sign_in(response: HttpResponseBase, *, user_id: str, name: str, email: str) -> None:
    """Make them the guest of all further requests from this browser."""
    known = {"user_id": user_id, "name": name, "email": email}
    response.set_cookie(
        COOKIE,
        signing.dumps(known, salt=_salt(), compress=True),
        max_age=_seconds(),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def sign_out(response: HttpResponseBase) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")


def says_who_they_are() -> bool:
    """Whether guests are believed when they name themselves: AUTH_MODE=open."""
    return settings.JWT is None


def _seconds() -> int:
    return _SECONDS_OPEN if says_who_they_are() else _SECONDS_LOGGED_IN


def _salt() -> str:
    return f"{__name__} {'open' if says_who_they_are() else 'jwt'}"
