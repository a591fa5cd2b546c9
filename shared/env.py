"""Reads settings from environment variables and names every one that is missing or bad."""

from typing import cast

from environs import Env, EnvValidationError
from marshmallow.validate import URL, Length, OneOf, Range

__all__ = ["URL", "Env", "Length", "OneOf", "Range", "open_environment", "seal"]


def open_environment() -> Env:
    """An environment whose errors are collected until `seal`, so that one start reports all."""
    return Env(eager=False)


def seal(env: Env) -> None:
    """End reading. Stops the process with one sentence per missing or bad variable.

    `SystemExit` and not `ImproperlyConfigured`: whoever starts a server or a command with a typo
    in a variable needs the sentence, not thirty lines of traceback above it.
    """
    try:
        env.seal()
    except EnvValidationError as error:
        problems = cast("dict[str, list[str]]", error.error_messages)
        sentences = [
            f"Environment variable {name}: {' '.join(texts)}" for name, texts in problems.items()
        ]
        raise SystemExit("\n".join(sentences)) from None
