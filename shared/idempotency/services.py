"""Does a request's work once, and deletes old results."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models.functions import Now

from shared.idempotency.errors import IdempotencyKeyInUse
from shared.idempotency.models import IdempotencyRecord
from shared.idempotency.requests import Codec, IdempotentRequest, Result
from shared.idempotency.sql import try_advisory_lock
from shared.idempotency.store import IdempotencyStore, find_stored, replay

PRUNE_BATCH = 5000

T = TypeVar("T")


def run_once(
    request: IdempotentRequest | None, work: Callable[[], T], *, codec: Codec[T]
) -> Result[T]:
    """Do the `work` and store its result in one transaction, or return the stored result.

    Without a key, just do the work. Never waits: an advisory lock tells whether another transaction
    is working on the same request. If so, `IdempotencyKeyInUse` is raised. Also raises
    `IdempotencyKeyReused` and what the work raises.
    """
    if request is None:
        return Result(work())
    with transaction.atomic():
        stored = find_stored([request]).get(request.scope)
        if stored is not None:
            return replay(stored, request, codec)
        if not try_advisory_lock(request.scope):
            raise IdempotencyKeyInUse
        store = IdempotencyStore([request], codec)
        result = store.run(request, work)
        store.save()
        return result


def prune(*, older_than: timedelta) -> int:
    """Delete a batch of records that are older than that; returns how many."""
    old = IdempotencyRecord.objects.filter(created_at__lt=Now() - older_than)
    batch = old.order_by("created_at").values("pk")[:PRUNE_BATCH]
    return IdempotencyRecord.objects.filter(pk__in=batch).delete()[0]
