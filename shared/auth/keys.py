"""The issuer's public keys, kept for a while.

PyJWT parses them. Its client is not used: while the issuer is away it makes every request wait in
line, even those whose keys are known, and it reads whatever the issuer sends.

- A set of keys is used for `max_age` seconds and no longer, so a key that the issuer withdraws is
  refused after that time at the latest.
- After half of that time, it is fetched again in the background. If the issuer is away, known keys
  keep working until their time is over, and no request waits.
- A key that isn't in the set triggers one fetch for all requests that need it. They wait for it at
  most `FETCH_SECONDS`, or not at all if there are still valid keys and the last fetch failed.
- There is one fetch at a time, in its own thread, and fetches begin at least `PAUSE_SECONDS` apart,
  whatever comes in. In between, an unknown key is refused if the last fetch succeeded; otherwise
  `KeysUnavailable` is raised.
- What an issuer may send is bounded: `LARGEST_SET` bytes and `MOST_KEYS` keys, within
  `FETCH_SECONDS`. Anything else counts as an outage.
"""

import logging
import math
import threading
from collections.abc import Mapping
from http.client import HTTPException
from time import monotonic
from typing import Any

import orjson
from jwt import PyJWK, PyJWKSet, PyJWTError

from shared.auth.errors import InvalidToken, KeysUnavailable
from shared.auth.fetching import fetch

logger = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
PAUSE_SECONDS = 5.0
LARGEST_SET = 1024 * 1024
MOST_KEYS = 100
# The longest that OpenSSL verifies with. Longer ones only cost time.
_MOST_RSA_BITS = 16384

_Keys = Mapping[str | None, PyJWK]


class IssuerKeys:
    """The keys at `url`, for one process. Threads may share it."""

    def __init__(self, *, url: str, max_age: float) -> None:
        """`max_age` in seconds, more than `PAUSE_SECONDS`."""
        self._url = url
        self._max_age = max_age
        self._mutex = threading.Lock()
        self._keys: _Keys = {}
        self._fetched_at = -math.inf
        self._fetch: _Fetch | None = None
        self._issuer_is_away = False

    def get(self, kid: str | None) -> PyJWK:
        """The key with this id, or with None the only key.

        Raises `InvalidToken`, `KeysUnavailable`.
        """
        now = monotonic()
        key = self._known(kid, now)
        if key is not None:
            if now - self._fetched_at > self._max_age / 2:
                self._fetch_unless_too_soon(now)
            return key
        has_keys = now - self._fetched_at < self._max_age
        waits = not (has_keys and self._issuer_is_away)
        last = self._fetch_unless_too_soon(now)
        if waits:
            last.ended.wait(max(0.0, last.began_at + FETCH_SECONDS - now))
        key = self._known(kid, now)
        if key is not None:
            return key
        if last.succeeded:
            raise InvalidToken("the token is signed with a key that its issuer does not have")
        pause = last.began_at + PAUSE_SECONDS - monotonic()
        raise KeysUnavailable(retry_after=max(1, math.ceil(pause)))

    def _known(self, kid: str | None, now: float) -> PyJWK | None:
        return self._keys.get(kid) if now - self._fetched_at < self._max_age else None

    def _fetch_unless_too_soon(self, now: float) -> "_Fetch":
        """A new fetch, or the last one if it is recent or still resolving the issuer's name."""
        with self._mutex:
            last = self._fetch
            if last is None or (last.ended.is_set() and now - last.began_at >= PAUSE_SECONDS):
                self._fetch = _Fetch(now)
                threading.Thread(target=self._run, args=[self._fetch], daemon=True).start()
                return self._fetch
            return last

    def _run(self, this: "_Fetch") -> None:
        try:
            found = _parse(fetch(self._url, seconds=FETCH_SECONDS, max_bytes=LARGEST_SET))
        except (PyJWTError, OSError, HTTPException, ValueError) as error:
            logger.warning("the keys at %s are not available: %s", self._url, error)
        except Exception:
            logger.exception("the keys from %s caused an unexpected error", self._url)
        else:
            self._keys, self._fetched_at = found, this.began_at
            this.succeeded = True
        finally:
            self._issuer_is_away = not this.succeeded
            this.ended.set()


class _Fetch:
    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.ended = threading.Event()
        self.succeeded = False


def _parse(body: bytes) -> _Keys:
    """Public keys for signatures, by id. A token may leave the id out if there is only one.

    Raises `PyJWTError` and `ValueError`.
    """
    found = orjson.loads(body)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        raise ValueError("this is not a set of keys")
    if len(keys) > MOST_KEYS:
        raise ValueError(f"there are more than {MOST_KEYS} keys")
    readable = PyJWKSet([key for key in keys if _is_readable(key)]).keys
    return _by_id(
        [
            key
            for key in readable
            if key.public_key_use in ("sig", None) and key.key_type in ("RSA", "EC", "OKP")
        ]
    )


def _is_readable(key: Any) -> bool:
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str | None):
        return False
    modulus = key.get("n", "")
    return isinstance(modulus, str) and len(modulus) * 6 <= _MOST_RSA_BITS + 16


def _by_id(signing: list[PyJWK]) -> _Keys:
    if not signing:
        raise ValueError("none of them is a public key for signatures")
    found: dict[str | None, PyJWK] = {key.key_id: key for key in signing}
    if len(signing) == 1:
        found[None] = signing[0]
    return found
