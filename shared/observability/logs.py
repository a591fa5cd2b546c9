"""How log records are written: as JSON, one object a line, or as short lines for people.

gunicorn imports this before its worker has patched the standard library, so nothing here may import
Django.
"""

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from shared.formats.text import printable
from shared.observability.request_id import request_id
from shared.observability.tracing import step, trace_id_of

JSON = "json"
CONSOLE = "console"
FORMATS = (JSON, CONSOLE)

_LONGEST_MESSAGE = 10_000
_SHORT = 8
_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m", "DEBUG": "\x1b[2m"}
_PLAIN = "\x1b[0m"
_JSON_NAMES = {"levelname": "level", "name": "logger", "asctime": "time"}


def log_config(*, level: int, format: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`: the same for gunicorn, services, workers and commands."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"origin": {"()": "shared.observability.logs.Origin"}},
        "formatters": {
            JSON: {
                "()": "shared.observability.logs.JsonFormatter",
                "fmt": "{asctime} {levelname} {name} {message} {process} {request_id}",
                "style": "{",
                "rename_fields": _JSON_NAMES,
            },
            CONSOLE: {
                "()": "shared.observability.logs.LineFormatter",
                "format": "{asctime} {levelname} {short_id}{name}: {message}",
                "style": "{",
            },
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": format,
                "filters": ["origin"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # A refusal is an answer, not an incident, and has a line among the requests.
            "django.request": {"level": "ERROR"},
            # One line per connection attempt and frame otherwise.
            "pika": {"level": "WARNING"},
            # A line for each attempt otherwise.
            "opentelemetry.exporter": {"level": "ERROR"},
            "gunicorn.error": {"handlers": ["stderr"], "propagate": False},
        },
    }


class Origin(logging.Filter):
    """Adds the ids of the request and of its trace, if there is one, to each record that doesn't
    say which they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
            if current := step.get():
                record.trace_id = trace_id_of(current)
        return True


class JsonFormatter(OrjsonFormatter):
    """One object a line. Values that are empty are left out."""

    def formatTime(  # noqa: N802 (the library's name)
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_log_record(self, log_record: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value[:_LONGEST_MESSAGE] if isinstance(value, str) else value
            for name, value in super().process_log_record(log_record).items()
            if value not in ("", None)
        }


class LineFormatter(logging.Formatter):
    """One line per record, whatever is in it. A traceback follows, each of its lines indented.

    So text from outside that reaches the log, such as a user's id or a message's property, can't
    add a line that looks like one of ours, or send a terminal an escape sequence. On a terminal,
    levels have colours.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        record.message = printable(record.message, limit=_LONGEST_MESSAGE)
        record.short_id = _short(getattr(record, "request_id", ""))
        line = super().formatMessage(record)
        colour = _COLOURS.get(record.levelname) if sys.stderr.isatty() else None
        return f"{colour}{line}{_PLAIN}" if colour else line

    def formatException(  # noqa: N802
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indented(super().formatStack(stack_info))


def _short(number: str) -> str:
    """In brackets, and long enough to find the lines of one request on a screen."""
    if not number:
        return ""
    return f"[{number}] " if len(number) <= _SHORT else f"[…{number[-_SHORT:]}] "


def _indented(text: str) -> str:
    return "\n".join(f"    {printable(line)}" for line in text.split("\n"))
