"""Requests that may have come before, and what they are answered, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.idempotency.errors import IdempotencyKeyReused

T = TypeVar("T")

Scope = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt(Generic[T]):
    """A request with a key. The same `caller`, `path` and `key` mean the same request, whose input
    must then have the same `fingerprint`. `represent` makes the answer's body of the result."""

    caller: str
    path: str
    key: str
    fingerprint: str
    represent: Callable[[T], Mapping[str, Any]]

    @property
    def scope(self) -> Scope:
        return self.caller, self.path, self.key


@dataclass(slots=True)
class FirstAnswer:
    """`body` is JSON, and empty until the transaction that does the work is about to end."""

    fingerprint: str
    body: str = ""

    def again(self, attempt: Attempt[Any]) -> "Reply":
        """Raises `IdempotencyKeyReused`."""
        if attempt.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        return Reply(self, replayed=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """The first answer to an attempt, for the first time or once more."""

    first: FirstAnswer
    replayed: bool
