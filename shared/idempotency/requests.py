"""Values: a request that may be a retry, and its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Scope = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotentRequest:
    """A request with a key. The same `caller`, `path` and `key` mean the same request, whose input
    must then have the same `fingerprint`.

    `distribution_key` is that of the rows that the request changes, and follows from the path."""

    caller: str
    path: str
    key: str
    fingerprint: str
    distribution_key: int = 0

    @property
    def scope(self) -> Scope:
        return self.caller, self.path, self.key


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """The result of a request. `replayed` if an earlier request with its key did the work."""

    value: T
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec(Generic[T]):
    """How results are stored. To callers, a decoded result looks the same as the encoded one."""

    encode: Callable[[T], Mapping[str, Any]]
    decode: Callable[[Mapping[str, Any]], T]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    fingerprint: str
    body: str
