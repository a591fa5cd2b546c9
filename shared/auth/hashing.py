"""Hashes passwords without delaying other requests.

One hash deliberately takes a core a third of a second. On a gevent loop it would stop every other
request of the process for that long.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from shared.db.release import release_connection

# Behind the one that is being hashed, in each process.
MOST_WAITING = 8
SECONDS_TO_WAIT = 10.0

_places = threading.BoundedSemaphore(1 + MOST_WAITING)
_turn = threading.Lock()


class TooManyHashes(Exception):
    """More passwords wait to be hashed than this process accepts, or one waited too long."""


class BoundedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's hasher with the same format, computing one hash at a time in each process.

    Raises `TooManyHashes` if `MOST_WAITING` are already waiting, or after `SECONDS_TO_WAIT`. The
    database connection goes back to its pool first.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        release_connection()
        with _in_turn():
            return _beside_the_loop(
                lambda: super(BoundedPBKDF2PasswordHasher, self).encode(password, salt, iterations)
            )


@contextlib.contextmanager
def _in_turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise TooManyHashes
    try:
        if not _turn.acquire(timeout=SECONDS_TO_WAIT):
            raise TooManyHashes
        try:
            yield
        finally:
            _turn.release()
    finally:
        _places.release()


def _beside_the_loop(work: Callable[[], str]) -> str:
    """On a native thread if threads are greenlets. Hashing doesn't hold the GIL."""
    from gevent import get_hub, monkey

    if not monkey.is_module_patched("threading"):
        return work()
    hashed: str = get_hub().threadpool.apply(work)
    return hashed
