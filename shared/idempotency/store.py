"""The results of requests with a key, stored in the transaction of the work itself."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

import orjson
from django.conf import settings

from shared.formats.json import dump_json
from shared.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from shared.idempotency.requests import Codec, IdempotentRequest, Result, Scope, StoredResult
from shared.idempotency.sql import insert_results, select_results, select_results_apart

T = TypeVar("T")


def find_stored(requests: Collection[IdempotentRequest]) -> dict[Scope, StoredResult]:
    """The results of these requests that are known by now, in one statement; where tables are
    distributed, in one for each distribution key."""
    if not requests:
        return {}
    if not settings.DISTRIBUTED:
        scopes = {request.scope for request in requests}
        return select_results(scopes, retention=settings.IDEMPOTENCY_RETENTION)
    by_key: dict[int, set[Scope]] = defaultdict(set)
    for request in requests:
        by_key[request.distribution_key].add(request.scope)
    return select_results_apart(by_key, retention=settings.IDEMPOTENCY_RETENTION)


def replay(stored: StoredResult, request: IdempotentRequest, codec: Codec[T]) -> Result[T]:
    """Raises `IdempotencyKeyReused`."""
    if request.fingerprint != stored.fingerprint:
        raise IdempotencyKeyReused
    return Result(codec.decode(orjson.loads(stored.body)), replayed=True)


class IdempotencyStore(Generic[T]):
    """Does the work of each request once, also for two requests in one transaction.

    Create it in the transaction of the work, under a lock that excludes all other transactions with
    the same requests: it reads their results when it is created.
    """

    def __init__(self, requests: Collection[IdempotentRequest], codec: Codec[T]) -> None:
        self._codec = codec
        self._stored: Mapping[Scope, StoredResult] = find_stored(requests)
        self._new: dict[Scope, tuple[IdempotentRequest, T]] = {}

    def run(self, request: IdempotentRequest | None, work: Callable[[], T]) -> Result[T]:
        """Do the `work`, unless its result is known. Without a key the work is always done.

        What the work raises is not stored: the next request does it again. Raises
        `IdempotencyKeyReused`.
        """
        if request is None:
            return Result(work())
        stored = self._stored.get(request.scope)
        if stored is not None:
            return replay(stored, request, self._codec)
        if request.scope in self._new:
            first, value = self._new[request.scope]
            if request.fingerprint != first.fingerprint:
                raise IdempotencyKeyReused
            return Result(value, replayed=True)
        value = work()
        self._new[request.scope] = (request, value)
        return Result(value)

    def save(self) -> None:
        """Store the new results in one statement, once they are what callers will see.

        Raises `IdempotencyKeyInUse` if another transaction has stored one meanwhile, which only
        happens without the lock. This transaction must not commit then.
        """
        rows = [
            (
                request.distribution_key,
                *scope,
                request.fingerprint,
                dump_json(self._codec.encode(value)).decode(),
            )
            for scope, (request, value) in self._new.items()
        ]
        if rows and insert_results(rows, retention=settings.IDEMPOTENCY_RETENTION) < len(rows):
            raise IdempotencyKeyInUse
