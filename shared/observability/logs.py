"""Formats log records as lines."""

import logging
from types import TracebackType

from shared.formats.text import printable

_LONGEST_MESSAGE = 10_000


class LineFormatter(logging.Formatter):
    """One line per record, whatever is in it. A traceback follows, each of its lines indented.

    So text from outside that reaches the log, such as a user's id or a message's property, can't
    add a line that looks like one of ours, or send a terminal an escape sequence.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        record.message = printable(record.message, limit=_LONGEST_MESSAGE)
        return super().formatMessage(record)

    def formatException(  # noqa: N802
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    return "\n".join(f"    {printable(line)}" for line in text.split("\n"))
