"""Reads settings from environment variables and names every one that is missing or bad."""

import re
from typing import cast

from environs import Env, EnvValidationError, ValidationError
from marshmallow.validate import URL, Length, OneOf, Range, Regexp

__all__ = [
    "URL",
    "Env",
    "Environment",
    "Length",
    "OneOf",
    "Range",
    "Regexp",
    "ValidationError",
    "open_environment",
    "read_origins",
    "read_public_url",
    "seal",
]

_HTTP_URL = URL(schemes={"http", "https"}, require_tld=False)
_ORIGIN = re.compile(
    r"https?://(\*\.)?[A-Za-z0-9_.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
)


class Environment(Env):
    """Collects errors until `seal`, so that one start reports all of them."""

    def __init__(self) -> None:
        super().__init__(eager=False)

    def refuse(self, names: str, why: str) -> None:
        """Report variables that are each valid but don't go together."""
        self._errors[names].append(why)


def open_environment() -> Environment:
    return Environment()


def read_public_url(env: Environment, name: str) -> str:
    """Where browsers reach something. Without a trailing slash; empty if unset."""
    if not env.str(name, ""):
        return ""
    return (env.str(name, validate=_HTTP_URL) or "").rstrip("/")


def read_origins(env: Environment, name: str) -> list[str]:
    """Origins as a browser writes them, separated by commas. `https://*.example.com` stands for all
    its subdomains."""
    origins: list[str] = env.list(name, [])
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        env.refuse(name, "It must be origins like https://example.com, separated by commas.")
    return origins


def seal(env: Env) -> None:
    """End reading. Stops the process with one sentence per missing or bad variable.

    `SystemExit` and not `ImproperlyConfigured`: after a typo in a variable, the sentence is what
    helps, not thirty lines of traceback above it.
    """
    try:
        env.seal()
    except EnvValidationError as error:
        problems = cast("dict[str, list[str]]", error.error_messages)
        sentences = [
            f"Environment variable {name}: {' '.join(texts)}" for name, texts in problems.items()
        ]
        raise SystemExit("\n".join(sentences)) from None
