"""Django's PostgreSQL backend, on connections with bounded waits, with fewer round trips."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Self

from django.db import ProgrammingError
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base, operations
from psycopg import OperationalError, adapters
from psycopg.abc import AdaptContext
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format, TransactionStatus

from shared.db.outage import outage

_IN_TRANSACTION = frozenset(
    (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
)
_TIMESTAMPTZ = adapters.types["timestamptz"].oid


class UtcLoader:
    """Makes psycopg's own loader, which is in C and reads times in the session's time zone. Django
    has set that to UTC.

    Django's loader replaces the time zone of each value in Python, which takes longer than all the
    rest of reading a row.
    """

    format = Format.TEXT
    timezone = UTC  # Django compares this with the time zone that it wants

    def __new__(cls, oid: int, context: AdaptContext | None = None) -> Any:
        loader = adapters.get_loader(_TIMESTAMPTZ, Format.TEXT)
        assert loader is not None
        return loader(oid, context)


class Cursor(base.Cursor):
    """Sends `BEGIN` along with the first statement of a transaction."""

    connection: Any
    # None for psycopg's own use of the connection, such as the pool's checks.
    database: "DatabaseWrapper | None" = None

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        cursor: Any = super()
        if not self._has_yet_to_begin():
            cursor.execute(query, params, **options)
        elif isinstance(query, str):
            cursor.execute(f"BEGIN; {query}", params, **options)
            cursor.nextset()  # the first result is that of BEGIN
        else:
            cursor.execute("BEGIN")
            cursor.execute(query, params, **options)
        return self

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self.begin()
        super().executemany(*arguments, **options)  # type: ignore[misc]

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self.begin()
        return super().copy(*arguments, **options)  # type: ignore[misc]

    def begin(self) -> None:
        """Begin the transaction, if there is one to begin, in a round trip of its own."""
        if self._has_yet_to_begin():
            super().execute("BEGIN")  # type: ignore[misc]

    def _has_yet_to_begin(self) -> bool:
        return (
            self.database is not None
            and not self.database.autocommit
            and self.connection.pgconn.transaction_status == TransactionStatus.IDLE
        )


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """Without the `BEGIN` that went along, because Django logs one by itself."""
        executed: str | None = super().last_executed_query(cursor, sql, params)
        return (executed or "").removeprefix("BEGIN; ")


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS` accepts a `response_timeout` in seconds; see `BoundedConnection`."""

    ops_class = DatabaseOperations

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._with_commit: list[tuple[str, Sequence[Any]]] = []

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["context"] = AdaptersMap(params["context"])
        params["context"].register_loader(_TIMESTAMPTZ, UtcLoader)
        params["autocommit"] = True
        if self.alias == NO_DB_ALIAS:
            # Tests create their database over a plain connection, which lacks what ours has.
            params.pop("response_timeout", None)
        else:
            params["cursor_factory"] = Cursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raises `DatabaseUnresponsive` at once while the server is known not to answer."""
        outage.require_attempt()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            if outage.lasts:
                outage.begin()  # this was the attempt
            raise

    def create_cursor(self, name: str | None = None) -> Any:
        """With a `name`, a cursor of the server's, which it only has within a transaction."""
        cursor: Any = super().create_cursor()
        cursor.database = self
        if name is None:
            return cursor
        cursor.begin()
        of_server: Any = base.ServerSideCursor
        return of_server(self.connection, name=name, scrollable=False, withhold=self.autocommit)

    def _set_autocommit(self, autocommit: bool) -> None:
        """psycopg's connection stays in autocommit, because our cursors begin transactions."""
        if self.connection.pgconn.transaction_status in _IN_TRANSACTION:
            raise ProgrammingError("autocommit can't be changed in a transaction")

    def execute_with_commit(self, sql: str, parameters: Sequence[Any]) -> None:
        """See `shared.db.round_trips`."""
        self._with_commit.append((sql, parameters))
        if self.savepoint_ids or not self.in_atomic_block:
            self._execute_deferred()

    def _savepoint(self, sid: str) -> None:
        """What waits for the commit is executed first. It does not belong to the inner block, and
        comes before what that block executes."""
        self._execute_deferred()
        super()._savepoint(sid)  # type: ignore[misc]

    def _commit(self) -> None:
        if not self._with_commit:
            super()._commit()  # type: ignore[misc]
            return
        self._with_commit.append(("COMMIT", []))
        self._execute_deferred()

    def _execute_deferred(self) -> None:
        statements, self._with_commit = self._with_commit, []
        if statements:
            with self.cursor() as cursor:
                cursor.execute(
                    "; ".join(sql for sql, _ in statements),
                    [value for _, parameters in statements for value in parameters],
                )

    def _rollback(self) -> None:
        self._with_commit.clear()
        super()._rollback()  # type: ignore[misc]

    def _close(self) -> None:
        self._with_commit.clear()
        super()._close()  # type: ignore[misc]
