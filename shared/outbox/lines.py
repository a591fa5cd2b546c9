"""How an outbox entry holds its messages: one line of text each, with tabs between the fields.

Headers and body are JSON, which never contains a raw tab or line break. So the relay splits a line
and hands the body to the broker without parsing it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from shared.formats.json import dump_json
from shared.observability.request_id import MESSAGE_HEADER


class Line(NamedTuple):
    """`headers` and `body` are JSON."""

    message_id: str
    routing_key: str
    ordering_key: str
    headers: str
    body: str


_TABS = len(Line._fields) - 1


def to_line(
    *, routing_key: str, ordering_key: str, headers: Mapping[str, str], body: Mapping[str, Any]
) -> str:
    """Gives the message its id. Raises `ValueError` for a key with a tab or a line break."""
    header_text = dump_json(headers).decode() if headers else "{}"
    text = f"{uuid4()}\t{routing_key}\t{ordering_key}\t{header_text}\t{dump_json(body).decode()}"
    if text.count("\t") != _TABS or "\n" in text:
        raise ValueError(f"a key has a tab or a line break: {routing_key!r}, {ordering_key!r}")
    return text


def request_id_in(text: str) -> str:
    """Of the request that caused the message; empty if the line doesn't say."""
    try:
        headers = orjson.loads(read_line(text).headers)
    except ValueError:
        return ""
    return str(headers.get(MESSAGE_HEADER, "")) if isinstance(headers, dict) else ""


def read_line(text: str) -> Line:
    """Raises `ValueError` if fields are missing, as after a careless UPDATE by hand."""
    fields = text.split("\t", _TABS)
    if len(fields) <= _TABS:
        raise ValueError("it lacks fields")
    return Line._make(fields)
