"""What PostgreSQL reads for a statement."""

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction


def rows_read(sql: str) -> int:
    """How many rows the statement's scans of tables touch, those that a filter then drops among
    them. The tables must be large enough and analysed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        (answer,) = cursor.fetchone()
    plan = answer[0]["Plan"]
    scans = [node for node in _nodes(plan) if "Relation Name" in node]
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in scans
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def empty_tables() -> None:
    """In the test's transaction. What other tests have rolled back is still in the tables' files,
    and makes the planner expect other sizes."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bookings_booking, bookings_event CASCADE")
