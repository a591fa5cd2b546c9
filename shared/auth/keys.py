"""The issuer's public keys, kept for a while.

PyJWT's client fetches and parses them. When, is decided here: the client's own cache lets every
request wait in line while the issuer is away, those whose keys are known among them.

- A set of keys is used for `max_age` seconds and no longer, so a key that the issuer withdraws is
  refused after that time at the latest.
- From half of that time on it is fetched anew in the background. If the issuer is away, known keys
  go on working until their time is over, and nobody waits.
- A key that isn't in the set makes one fetch, for all who ask. They wait for it, at most
  `FETCH_SECONDS`.
- Fetches begin `PAUSE_SECONDS` apart, whatever comes in. In between, an unknown key is refused if
  the last fetch succeeded, and `KeysUnavailable` if not.
"""

import logging
import math
import threading
from collections.abc import Mapping
from time import monotonic

from jwt import PyJWK, PyJWKClient, PyJWTError

from shared.auth.errors import InvalidToken, KeysUnavailable

logger = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
PAUSE_SECONDS = 5.0

_Keys = Mapping[str | None, PyJWK]


class IssuerKeys:
    """The keys at `url`, for one process. Threads may share it."""

    def __init__(self, *, url: str, max_age: float) -> None:
        """`max_age` in seconds, more than `PAUSE_SECONDS`."""
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
        self._max_age = max_age
        self._mutex = threading.Lock()
        self._keys: _Keys = {}
        self._fetched_at = -math.inf
        self._fetch: _Fetch | None = None

    def get(self, kid: str | None) -> PyJWK:
        """The key of this id; None: the only one. Raises `InvalidToken`, `KeysUnavailable`."""
        now = monotonic()
        key = self._known(kid, now)
        if key is not None:
            if now - self._fetched_at > self._max_age / 2:
                self._fetch_unless_too_soon(now)
            return key
        fetch = self._fetch_unless_too_soon(now)
        fetch.ended.wait(max(0.0, fetch.began_at + FETCH_SECONDS - now))
        key = self._known(kid, now)
        if key is not None:
            return key
        if fetch.succeeded:
            raise InvalidToken("the token is signed with a key that its issuer does not have")
        pause = fetch.began_at + PAUSE_SECONDS - monotonic()
        raise KeysUnavailable(retry_after=max(1, math.ceil(pause)))

    def _known(self, kid: str | None, now: float) -> PyJWK | None:
        return self._keys.get(kid) if now - self._fetched_at < self._max_age else None

    def _fetch_unless_too_soon(self, now: float) -> "_Fetch":
        """A new fetch, or the last one. One that hangs is let be: a new one doesn't wait for it."""
        with self._mutex:
            if self._fetch is None or now - self._fetch.began_at >= PAUSE_SECONDS:
                self._fetch = _Fetch(now)
                threading.Thread(target=self._run, args=[self._fetch], daemon=True).start()
            return self._fetch

    def _run(self, fetch: "_Fetch") -> None:
        try:
            found = _usable(self._client.get_jwk_set().keys)
        except (PyJWTError, OSError, ValueError) as error:
            logger.warning("the keys at %s can't be had: %s", self._client.uri, error)
        else:
            with self._mutex:
                if self._fetch is fetch:
                    self._keys, self._fetched_at = found, fetch.began_at
                    fetch.succeeded = True
        finally:
            fetch.ended.set()


class _Fetch:
    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.ended = threading.Event()
        self.succeeded = False


def _usable(keys: list[PyJWK]) -> _Keys:
    """Public keys for signatures, by id. A token may leave the id out where there is only one."""
    signing = [
        key
        for key in keys
        if key.public_key_use in ("sig", None) and key.key_type in ("RSA", "EC", "OKP")
    ]
    if not signing:
        raise ValueError("none of them is a public key for signatures")
    found: dict[str | None, PyJWK] = {key.key_id: key for key in signing}
    if len(signing) == 1:
        found[None] = signing[0]
    return found
