"""The attempts of one transaction and their first answers."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.conf import settings

from shared.idempotency.attempts import Attempt, FirstAnswer, Reply, Scope
from shared.idempotency.errors import IdempotencyKeyInUse
from shared.idempotency.statements import find, store
from shared.json import dump_json

T = TypeVar("T")


def first_answers(attempts: Sequence[Attempt[Any]]) -> dict[Scope, FirstAnswer]:
    """Those that are known by now, of all these attempts in one statement."""
    scopes = {attempt.scope for attempt in attempts}
    return find(scopes, retention=settings.IDEMPOTENCY_RETENTION)


class Register(Generic[T]):
    """Sees to it that each of `attempts` does its work once, two in one transaction included.

    To be made in that transaction and under a lock that nobody can hold who works on one of the
    same attempts: what others have answered is read here.
    """

    def __init__(self, attempts: Sequence[Attempt[T]]) -> None:
        self._answers = first_answers(attempts)
        self._results: list[tuple[Attempt[T], FirstAnswer, T]] = []

    def once(self, attempt: Attempt[T], work: Callable[[], T]) -> Reply:
        """Do the `work`, unless its answer is known. What it raises is no answer: the next attempt
        does the work again. Raises `IdempotencyKeyReused`."""
        known = self._answers.get(attempt.scope)
        if known is not None:
            return known.again(attempt)
        result = work()
        answer = self._answers[attempt.scope] = FirstAnswer(attempt.fingerprint)
        self._results.append((attempt, answer, result))
        return Reply(answer, replayed=False)

    def keep(self) -> None:
        """Store the new answers, in one statement, once the results are what callers will see.

        Raises `IdempotencyKeyInUse` where somebody else has stored one meanwhile, which only a
        missing lock lets happen: then the transaction must not commit.
        """
        rows = []
        for attempt, answer, result in self._results:
            answer.body = dump_json(attempt.represent(result)).decode()
            rows.append((*attempt.scope, answer.fingerprint, answer.body))
        if rows and store(rows, retention=settings.IDEMPOTENCY_RETENTION) < len(rows):
            raise IdempotencyKeyInUse
