"""PostgreSQL's text form of arrays. psycopg makes the same more slowly, value by value."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

Value = int | Decimal | str | datetime | None


def array_literal(values: Iterable[Value]) -> str:
    """A parameter for `%s::bigint[]` and other types of array."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, datetime):
        return '"' + value.isoformat() + '"'
    return str(value)
