"""From a bearer token to a caller (RFC 7519, RFC 8725)."""

import functools
from collections.abc import Mapping
from typing import Any

import jwt
from rest_framework.exceptions import ValidationError

from shared.auth.caller import ADMIN, Caller
from shared.auth.errors import InvalidToken
from shared.auth.keys import IssuerKeys
from shared.auth.settings import JwtSettings
from shared.formats.fields import TextField

# The clocks of issuer and service may differ by this much.
LEEWAY_SECONDS = 10
# What gunicorn accepts as one header. It bounds what an unknown client can make us decode.
LONGEST_TOKEN = 8190

_USER_ID = TextField(max_length=255)

# The roles of our own that a token gives. Its other roles are not ours, whatever their names are.
_USERS: frozenset[str] = frozenset()
_ADMINS = frozenset([ADMIN])

_REASONS: list[tuple[type[jwt.PyJWTError], str]] = [
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidIssuerError, "the token is from another issuer"),
    (jwt.InvalidAudienceError, "the token is for another audience"),
    (jwt.InvalidSignatureError, "the signature of the token is wrong"),
    (jwt.InvalidAlgorithmError, "the token is signed in a way that is not accepted"),
]


class TokenVerifier:
    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._issuer_keys = (
            IssuerKeys(url=settings.jwks_url, max_age=settings.keys_seconds)
            if settings.jwks_url
            else None
        )

    def caller(self, token: str) -> Caller:
        """Raises `InvalidToken`, and `KeysUnavailable` if the issuer's keys can't be fetched."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken("the token is too long")
        claims = self._verified(token)
        subject = subject_of(claims["sub"])
        is_admin = self._settings.admin_role in _roles(claims, self._settings.roles_claim)
        return Caller(
            identity=f"user {subject}",
            name=subject,
            roles=_ADMINS if is_admin else _USERS,
            user_id=subject,
        )

    def _verified(self, token: str) -> Mapping[str, Any]:
        settings = self._settings
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=settings.algorithms,
                issuer=settings.issuer,
                audience=settings.audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "sub"], "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError as error:
            raise InvalidToken("the token has expired", code="token_expired") from error
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"the token has no {error.claim}") from error
        except jwt.PyJWTError as error:
            reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
            raise InvalidToken(next(reasons, "the token cannot be read")) from error
        return claims

    def _key(self, token: str) -> jwt.PyJWK | str:
        if self._issuer_keys is None:
            return self._settings.secret
        header = jwt.get_unverified_header(token)
        # Before the key is looked up: a token that can't be accepted must not trigger a fetch.
        if header.get("alg") not in self._settings.algorithms:
            raise jwt.InvalidAlgorithmError
        return self._issuer_keys.get(header.get("kid"))


@functools.lru_cache(maxsize=8)
def verifier(settings: JwtSettings) -> TokenVerifier:
    """One per process, as it holds the issuer's keys."""
    return TokenVerifier(settings)


def subject_of(sub: object) -> str:
    """Must be a valid `user_id` as it is: trimming blanks would turn two subjects into one. Raises
    `InvalidToken`."""
    try:
        if isinstance(sub, str) and _USER_ID.run_validation(sub) == sub:
            return sub
    except ValidationError:
        pass
    raise InvalidToken("the sub of the token is not a valid user_id")


def _roles(claims: Mapping[str, Any], claim: str) -> list[Any]:
    """The roles in `claim`, a list or a string separated by blanks. A name that isn't there as such
    is a path: `realm_access.roles`. Some issuers use URLs as names, which have dots too."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for name in claim.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found.split()
    return found if isinstance(found, list) else []
