"""Doing things once, and forgetting that they were done."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models.functions import Now

from shared.idempotency.attempts import Attempt, Reply
from shared.idempotency.errors import IdempotencyKeyInUse
from shared.idempotency.models import IdempotencyRecord
from shared.idempotency.register import Register, first_answers
from shared.idempotency.statements import take_turn

PRUNE_BATCH = 5000

T = TypeVar("T")


@transaction.atomic
def once(attempt: Attempt[T], work: Callable[[], T]) -> Reply:
    """Do the `work` and store its answer in one transaction, or find that it was done.

    Waits for nobody: an advisory lock tells whether the same attempt is being worked on. Raises
    `IdempotencyKeyInUse` then, `IdempotencyKeyReused`, and what `work` raises.
    """
    known = first_answers([attempt]).get(attempt.scope)
    if known is not None:
        return known.again(attempt)
    if not take_turn(attempt.scope):
        raise IdempotencyKeyInUse
    register = Register([attempt])
    reply = register.once(attempt, work)
    register.keep()
    return reply


def prune(*, older_than: timedelta) -> int:
    """Delete records that are older than that, a batch; returns how many."""
    old = IdempotencyRecord.objects.filter(created_at__lt=Now() - older_than)
    batch = old.order_by("created_at").values("pk")[:PRUNE_BATCH]
    return IdempotencyRecord.objects.filter(pk__in=batch).delete()[0]
