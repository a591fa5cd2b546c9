"""The root of every error that states a fact of the domain."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class DomainError(Exception):
    """A refusal. `code` is stable and machine-readable, `message` is what a person reads.

    Which HTTP status a refusal gets is the API layer's business, not the error's.
    """

    code: str
    message: str
    # What else a program may need to know.
    members: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__(self.message)
