"""Reads settings from environment variables and names every one that is missing or bad."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias, cast

from environs import Env, EnvValidationError, ValidationError
from marshmallow.validate import URL, Length, OneOf, Range, Regexp

from shared.conf.variables import Variable, describe

__all__ = [
    "URL",
    "Environment",
    "Length",
    "OneOf",
    "Range",
    "Regexp",
    "ValidationError",
    "read_origins",
    "read_public_url",
    "read_trusted_proxies",
    "seal",
]

_HTTP_URL = URL(schemes={"http", "https"}, require_tld=False)
_ORIGIN = re.compile(
    r"https?://(\*\.)?[A-Za-z0-9_.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
)

_Validator: TypeAlias = Callable[[Any], Any]
# The names of the methods of `Environment` hide the built-in ones from its annotations.
_Str: TypeAlias = str
_Int: TypeAlias = int
_Bool: TypeAlias = bool
_List: TypeAlias = list


class Environment:
    """environs' parsers, with a `help` for each variable: one or two sentences for the reference.

    Collects errors until `seal`, so that one start reports all of them. Until then, the value of a
    missing or bad variable is None.
    """

    def __init__(self) -> None:
        self.variables: dict[_Str, Variable] = {}
        self._env = Env(eager=False)
        self._refusals: dict[_Str, _List[_Str]] = defaultdict(list)

    def str(
        self, name: _Str, default: Any = ..., *, help: _Str, validate: _Validator | None = None
    ) -> _Str:
        self._note(name, kind="str", default=default, validate=validate, help=help)
        return cast("_Str", self._env.str(name, default, validate=validate))

    def int(
        self, name: _Str, default: Any = ..., *, help: _Str, validate: _Validator | None = None
    ) -> _Int:
        self._note(name, kind="int", default=default, validate=validate, help=help)
        return cast("_Int", self._env.int(name, default, validate=validate))

    def bool(self, name: _Str, default: _Bool, *, help: _Str) -> _Bool:
        self._note(name, kind="bool", default=default, help=help)
        return self._env.bool(name, default)

    def list(self, name: _Str, default: _List[_Str], *, help: _Str) -> _List[_Str]:
        """Texts, separated by commas."""
        self._note(name, kind="list", default=default, help=help)
        return self._env.list(name, default)

    def log_level(self, name: _Str, default: _Int, *, help: _Str) -> _Int:
        self._note(name, kind="log_level", default=default, help=help)
        return self._env.log_level(name, default)

    def timedelta(
        self, name: _Str, default: timedelta, *, help: _Str, validate: _Validator | None = None
    ) -> timedelta:
        self._note(name, kind="duration", default=default, validate=validate, help=help)
        return self._env.timedelta(name, default, validate=validate)

    def database_url(self, name: _Str, *, help: _Str, **options: Any) -> dict[_Str, Any]:
        """Django's settings of the database; `options` are dj-database-url's."""
        self._note(name, kind="database_url", default=..., help=help)
        return cast("dict[_Str, Any]", self._env.dj_db_url(name, **options) or {})

    def mail_url(
        self, name: _Str, default: _Str, *, help: _Str, validate: _Validator | None = None
    ) -> dict[_Str, Any]:
        """`EMAIL_BACKEND`, `EMAIL_HOST` and the other mail settings of Django."""
        self._note(name, kind="mail_url", default=default, validate=validate, help=help)
        self._env.str(name, default, validate=validate)
        return cast("dict[_Str, Any]", self._env.dj_email_url(name, default))

    def refuse(self, names: _Str, why: _Str) -> None:
        """Report variables that are each valid but don't go together."""
        self._refusals[names].append(why)

    def problems(self) -> dict[_Str, _List[_Str]]:
        """What is wrong, by variable. Nothing can be read afterwards."""
        problems: dict[_Str, _List[_Str]] = {}
        try:
            self._env.seal()
        except EnvValidationError as error:
            problems |= cast("dict[_Str, _List[_Str]]", error.error_messages)
        for name, reasons in self._refusals.items():
            problems[name] = [*problems.get(name, []), *reasons]
        return problems

    def _note(
        self, name: _Str, *, kind: _Str, default: object, help: _Str, validate: object = None
    ) -> None:
        self.variables[name] = describe(
            name, kind=kind, default=default, validate=validate, help=help
        )


def read_public_url(env: Environment, name: str) -> str:
    """Without a trailing slash; empty if unset."""
    url = env.str(
        name,
        "",
        validate=_http_url_or_nothing,
        help="Where browsers reach this service. The other service's pages link to it if it is "
        "set. Login cookies are `Secure` unless it begins with `http://`. `make run` sets it.",
    )
    return (url or "").rstrip("/")


def read_service_url(env: Environment, name: str, *, help: str) -> str:
    """Without a trailing slash; empty if unset."""
    return (env.str(name, "", validate=_http_url_or_nothing, help=help) or "").rstrip("/")


def read_origins(env: Environment, name: str) -> list[str]:
    """Origins as a browser writes them, separated by commas."""
    origins = env.list(
        name,
        [],
        help="Other origins whose pages may write with a browser, such as `https://shop.example` "
        "or, for all subdomains, `https://*.shop.example`.",
    )
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        env.refuse(name, "It must be origins like https://example.com, separated by commas.")
    return origins


def read_trusted_proxies(env: Environment) -> int:
    return env.int(
        "TRUSTED_PROXIES",
        0,
        validate=Range(min=0, max=10),
        help="How many proxies in front of the services add to `X-Forwarded-For`.",
    )


def _http_url_or_nothing(text: str) -> None:
    if text:
        _HTTP_URL(text)


def seal(env: Environment) -> None:
    """End reading. Stops the process with one sentence per missing or bad variable.

    `SystemExit` and not `ImproperlyConfigured`: after a typo in a variable, the sentence is what
    helps, not thirty lines of traceback above it.
    """
    problems = env.problems()
    if problems:
        raise SystemExit(
            "\n".join(
                f"Environment variable {name}: {' '.join(texts)}"
                for name, texts in problems.items()
            )
        )
