"""Passwords are hashed where it holds up nobody else.

One hash takes a third of a second of a core on purpose. On a gevent loop it would stop every other
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
    """More passwords wait to be hashed than this process takes, or one waited too long."""


class BoundedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's hasher, whose hashes it reads and writes, one at a time in each process.

    Raises `TooManyHashes` when `MOST_WAITING` wait already, or after `SECONDS_TO_WAIT`. The
    database connection goes back to its pool meanwhile.
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
    """On a native thread where threads are greenlets; hashing holds no GIL."""
    from gevent import get_hub, monkey

    if not monkey.is_module_patched("threading"):
        return work()
    hashed: str = get_hub().threadpool.apply(work)
    return hashed
