"""A log-in that has begun. Its secrets are in a signed cookie, so that only the browser that began
it can end it, and nothing has to be stored for those who never come back."""

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

COOKIE = "booking_login"
SECONDS = 10 * 60
PATH = "/sign-in"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """`next` is where it leads: a path of this service."""

    state: str
    nonce: str
    verifier: str
    next: str

    @property
    def challenge(self) -> str:
        """The verifier's hash (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(next_path: str) -> Attempt:
    return Attempt(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        next=next_path if _is_ours(next_path) else reverse("guests:bookings"),
    )


def attempt_of(request: HttpRequest) -> Attempt | None:
    """The one that this browser began, if the issuer's answer belongs to it."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=__name__, max_age=SECONDS)
    except signing.BadSignature:
        return None
    attempt = Attempt(**known)
    answers = secrets.compare_digest(request.GET.get("state", "").encode(), attempt.state.encode())
    return attempt if answers else None


def keep(response: HttpResponseBase, attempt: Attempt) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(asdict(attempt), salt=__name__),
        max_age=SECONDS,
        path=PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def forget(response: HttpResponseBase) -> None:
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")


def _is_ours(path: str) -> bool:
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
