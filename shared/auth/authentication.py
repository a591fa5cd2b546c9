"""DRF's way to a caller: one class for each AUTH_MODE. The settings choose."""

import re
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from shared.auth.caller import ANYBODY, STAFF, Caller
from shared.auth.errors import REALM, InvalidToken
from shared.auth.other_sites import refuse_other_sites
from shared.auth.tokens import verifier

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.ASCII | re.IGNORECASE)


class Open(BaseAuthentication):
    """Every caller is `ANYBODY`, who may do anything. Tokens and sessions are ignored."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """Raises `CrossOrigin` for other sites' writes."""
        refuse_other_sites(request)
        return ANYBODY, None


class TokenOrSession(SessionAuthentication):
    """A bearer token, else the session of a browser's user."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Raises `InvalidToken`, `KeysUnavailable`, `PermissionDenied` for a session without a
        CSRF token, and `CrossOrigin` for other sites' writes without a bearer token."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header[:6].lower() == "bearer":
            # Two such headers arrive as one, with a comma between, and don't match.
            match = _BEARER.fullmatch(header.strip())
            if match is None:
                raise InvalidToken("the token cannot be read")
            return verifier(settings.JWT).caller(match[1]), None
        refuse_other_sites(request)
        found = super().authenticate(request)
        return None if found is None else (_caller_with_session(found[0]), None)

    def authenticate_header(self, request: Request) -> str:
        return REALM


def _caller_with_session(user: Any) -> Caller:
    """Their Django name has nothing to do with the tokens' subjects, so they have no `user_id`."""
    roles = frozenset([STAFF, *user.get_all_permissions()] if user.is_staff else [])
    return Caller(identity=f"staff {user.pk}", name=user.get_username(), roles=roles)
