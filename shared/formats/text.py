"""Makes foreign text safe for log lines, terminals and message headers."""

import re

_LONGEST = 1000
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")


def printable(value: object, *, limit: int = _LONGEST) -> str:
    r"""`value` as one line of at most `limit` characters (and an ellipsis) that is safe to show.

    Whatever a terminal or a reader of logs could mistake for something else is escaped as in
    Python: line breaks, control and escape characters, characters that are invisible or change the
    text direction, and lone surrogates, which can't be encoded. Bytes are read as UTF-8.
    """
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    cut = text if len(text) <= limit else text[:limit] + "…"
    if cut.isprintable():
        return cut
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in cut
    )


def describe(error: BaseException) -> str:
    """The type and text of `error`, printable and without the credentials of a URL."""
    text = _CREDENTIALS.sub("", str(error))
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)
