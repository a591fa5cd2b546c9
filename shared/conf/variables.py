"""What the settings reference says about an environment variable."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow.validate import URL, Length, OneOf, Range

REQUIRED = "required"

# Of an environs parser, by its name. A text's format is in its validator or its help.
_FORMATS = {
    "bool": "`true` or `false`",
    "database_url": "URL: `postgresql://`",
    "duration": "duration: `24h`, `90m`, or seconds",
    "int": "number",
    "list": "texts, separated by commas",
    "log_level": "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`",
    "mail_url": "URL",
    "str": "text",
}
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"))


@dataclass(frozen=True)
class Variable:
    """All but the value, which may be a secret."""

    name: str
    help: str
    default: str
    format: str


def describe(name: str, *, kind: str, default: object, validate: object, help: str) -> Variable:
    """`default` is `...` if the variable is required."""
    return Variable(name, help, _default(kind, default), _format(kind, validate))


def _default(kind: str, default: Any) -> str:
    if default is ...:
        return REQUIRED
    if kind == "bool":
        return str(default).lower()
    if kind == "duration":
        return _duration(default)
    if kind == "list":
        return ",".join(default)
    if kind == "log_level":
        return str(logging.getLevelName(default))
    return str(default)


def _duration(duration: timedelta) -> str:
    for unit, letter in _UNITS:
        if duration and not duration % unit:
            return f"{duration // unit}{letter}"
    return f"{duration.total_seconds():g}s"


def _format(kind: str, validate: object) -> str:
    match validate:
        case OneOf(choices=choices):
            *others, last = (f"`{choice}`" for choice in choices)
            return f"{', '.join(others)} or {last}"
        case Range(min=timedelta() as shortest):
            return f"{_FORMATS[kind]}; at least {_duration(shortest)}"
        case Range(min=least, max=most):
            return f"{_FORMATS[kind]}, {least} to {most}"
        case Length(min=least) if least and least > 1:
            return f"{_FORMATS[kind]}, at least {least} characters"
        case URL(schemes=schemes):
            return "URL: " + " or ".join(f"`{scheme}://`" for scheme in sorted(schemes))
    return _FORMATS[kind]
