"""DRF's way to a caller."""

import re
from typing import Any

from django.conf import settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from shared.auth.errors import REALM, InvalidToken
from shared.auth.other_sites import refuse_other_sites
from shared.auth.settings import JWT
from shared.auth.tokens import verifier

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.ASCII | re.IGNORECASE)


class TokenOrSession(SessionAuthentication):
    """A bearer token, in the mode that asks for tokens; else the session of a browser's user.

    One class instead of two, because DRF creates an object of each class for each request.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Raises `InvalidToken`, `KeysUnavailable`, `PermissionDenied` for a session without a
        CSRF token, and `CrossOrigin` for other sites' writes without a bearer token."""
        if settings.AUTH_MODE == JWT:
            header = request.META.get("HTTP_AUTHORIZATION", "")
            if header[:6].lower() == "bearer":
                # Two such headers arrive as one, with a comma between, and don't match.
                match = _BEARER.fullmatch(header.strip())
                if match is None:
                    raise InvalidToken("the token can not be read")
                return verifier(settings.JWT).caller(match[1]), None
        refuse_other_sites(request)
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str | None:
        return REALM if settings.AUTH_MODE == JWT else None
