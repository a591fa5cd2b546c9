"""Statements that share a round trip. Each one sees what was committed before it began itself, and
the first that fails ends them all with its own error."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.db import connection

if TYPE_CHECKING:
    from shared.db.postgresql.base import DatabaseWrapper

Row = tuple[Any, ...]


class Statement(NamedTuple):
    sql: str
    parameters: Sequence[Any] = ()


def execute_together(statements: Sequence[Statement]) -> list[list[Row]]:
    """The rows of each statement; none for one that returns no rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(statement.sql for statement in statements),
            [value for statement in statements for value in statement.parameters],
        )
        found = [_rows(cursor)]
        while cursor.nextset():
            found.append(_rows(cursor))
    return found


def execute(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """The rows of one statement; none if it returns no rows."""
    return execute_together([Statement(sql, parameters)])[0]


def execute_with_commit(statement: Statement) -> None:
    """In an outermost `atomic` block, send the statement together with the commit. If it fails, the
    commit fails with its error. In an inner block, execute it now: that block may be rolled back
    alone. The order of such statements is kept."""
    database = cast("DatabaseWrapper", connection)
    database.execute_with_commit(statement.sql, statement.parameters)


def _rows(cursor: Any) -> list[Row]:
    return [] if cursor.description is None else cursor.fetchall()
