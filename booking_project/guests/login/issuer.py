"""OpenID Connect with the issuer: where it sends guests, and who it says they are.

The authorization code flow with PKCE. `fetch` bounds each conversation, `IssuerKeys` keeps the
issuer's keys, and PyJWT verifies.
"""

import base64
import functools
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit

import jwt
import orjson

from booking_project.guests.login.attempts import Attempt
from booking_project.guests.login.errors import LoginRefused, LoginUnavailable
from booking_project.guests.login.settings import OidcSettings
from shared.auth.errors import InvalidToken, KeysUnavailable
from shared.auth.fetching import fetch
from shared.auth.keys import IssuerKeys
from shared.auth.tokens import LEEWAY_SECONDS, LONGEST_TOKEN, subject_of

logger = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
# How long the issuer's addresses are used, and how long an outage is remembered.
KEPT_SECONDS = 600.0
PAUSE_SECONDS = 5.0
_MOST_BYTES = 256 * 1024
_LONGEST_NAME = 100
_LONGEST_EMAIL = 254


@dataclass(frozen=True)
class Identity:
    user_id: str
    name: str
    email: str


@dataclass(frozen=True)
class _Endpoints:
    authorization: str
    token: str
    keys: str


class Issuer:
    """One for each process. Threads may share it."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._mutex = threading.Lock()
        self._endpoints: _Endpoints | None = None
        self._valid_until = 0.0
        self._keys: IssuerKeys | None = None

    def address(self, attempt: Attempt, *, language: str) -> str:
        """Where the guest logs in. Raises `LoginUnavailable`."""
        endpoint = self._discovered()[0].authorization
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": self._settings.redirect_uri,
                "scope": "openid profile email",
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": attempt.challenge,
                "code_challenge_method": "S256",
                "ui_locales": language,
            }
        )
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def identity(self, attempt: Attempt, *, code: str) -> Identity:
        """Who has logged in. Raises `LoginUnavailable` and `LoginRefused`."""
        endpoints, keys = self._discovered()
        token = self._exchanged(endpoints.token, attempt, code)
        try:
            claims = self._verified(token, keys, attempt)
            return _identity(claims)
        except KeysUnavailable as error:
            raise LoginUnavailable("the issuer's keys can't be fetched") from error
        except (jwt.PyJWTError, InvalidToken) as error:
            raise LoginRefused(f"the id_token is not valid: {error}") from error

    def _discovered(self) -> tuple[_Endpoints, IssuerKeys]:
        """One thread asks the issuer. The others wait for it, no longer than it may wait."""
        if not self._mutex.acquire(timeout=FETCH_SECONDS):
            raise LoginUnavailable("another request waits for the issuer")
        try:
            if monotonic() >= self._valid_until:
                self._discover()
            if self._endpoints is None or self._keys is None:
                raise LoginUnavailable("the issuer did not answer a moment ago")
            return self._endpoints, self._keys
        finally:
            self._mutex.release()

    def _discover(self) -> None:
        url = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        before, self._endpoints = self._endpoints, None
        self._valid_until = monotonic() + PAUSE_SECONDS
        try:
            found = _endpoints(_fetched(url), self._settings.issuer)
        except LoginUnavailable as error:
            logger.warning("nobody can sign in: %s", error)
            raise
        if self._keys is None or before is None or before.keys != found.keys:
            self._keys = IssuerKeys(url=found.keys, max_age=KEPT_SECONDS)
        self._endpoints, self._valid_until = found, monotonic() + KEPT_SECONDS

    def _exchanged(self, endpoint: str, attempt: Attempt, code: str) -> str:
        """The id_token for the code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        if self._settings.client_secret:
            headers["Authorization"] = _basic(self._settings)
        else:
            form["client_id"] = self._settings.client_id
        answer = _fetched(endpoint, form=urlencode(form).encode(), headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise LoginRefused("the issuer's answer has no id_token of a normal length")
        return token

    def _verified(self, token: str, keys: IssuerKeys, attempt: Attempt) -> Mapping[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in self._settings.algorithms:
            raise jwt.InvalidAlgorithmError("it is signed in a way that is not accepted")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            keys.get(header.get("kid")),
            algorithms=self._settings.algorithms,
            issuer=self._settings.issuer,
            audience=self._settings.client_id,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["iss", "aud", "exp", "iat", "sub", "nonce"],
                "enforce_minimum_key_length": True,
            },
        )
        if not secrets.compare_digest(str(claims["nonce"]).encode(), attempt.nonce.encode()):
            raise InvalidToken("its nonce is that of another log-in")
        audiences = claims["aud"]
        party = claims.get("azp")
        if party != self._settings.client_id and (party is not None or _has_others(audiences)):
            raise InvalidToken("it was issued to another client")
        return claims


@functools.lru_cache(maxsize=8)
def issuer(settings: OidcSettings) -> Issuer:
    """One per process, as it holds the issuer's addresses and keys."""
    return Issuer(settings)


def _fetched(
    url: str, *, form: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    try:
        answer = fetch(
            url, seconds=FETCH_SECONDS, max_bytes=_MOST_BYTES, form=form, headers=headers
        )
        found = orjson.loads(answer)
    except HTTPError as error:
        error.close()
        if form is not None and error.code == 400:
            raise LoginRefused("the issuer does not accept the code") from error
        raise LoginUnavailable(f"{url} answers {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise LoginUnavailable(f"{url}: {error}") from error
    if not isinstance(found, dict):
        raise LoginUnavailable(f"{url}: this is not an object")
    return found


def _endpoints(configuration: Mapping[str, Any], issuer: str) -> _Endpoints:
    if configuration.get("issuer") != issuer:
        raise LoginUnavailable("the issuer calls itself by another name")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [configuration.get(name) for name in names]
    schemes = {"https"} if issuer.startswith("https:") else {"http", "https"}
    if not all(isinstance(url, str) and urlsplit(url).scheme in schemes for url in urls):
        raise LoginUnavailable(f"the issuer names no usable {', '.join(names)}")
    return _Endpoints(*map(str, urls))


def _basic(settings: OidcSettings) -> str:
    """RFC 6749, 2.3.1: both parts are encoded as in a form."""
    pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _has_others(audiences: Any) -> bool:
    return isinstance(audiences, list) and len(audiences) > 1


def _identity(claims: Mapping[str, Any]) -> Identity:
    """Raises `InvalidToken` if the subject can't be a `user_id`."""
    user_id = subject_of(claims["sub"])
    email = _line(claims.get("email"))
    if claims.get("email_verified") is False or len(email) > _LONGEST_EMAIL:
        email = ""
    names = (_line(claims.get(claim)) for claim in ("name", "preferred_username"))
    name = next(filter(None, names), email or user_id)
    return Identity(user_id, name[:_LONGEST_NAME], email)


def _line(text: Any) -> str:
    """On one line and without control characters; empty if it isn't a text."""
    if not isinstance(text, str):
        return ""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
