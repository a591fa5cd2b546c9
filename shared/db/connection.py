"""A connection whose every wait ends.

The timeouts of the server, and the TCP stack's, don't fire while the server is frozen: the first
need the server, and the kernel goes on acknowledging for it. Only a deadline around the wait does.
"""

from typing import Any, Self, TypeVar

from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.rows import TupleRow

from shared.db.errors import DatabaseUnresponsive
from shared.db.outage import outage

T = TypeVar("T")


class BoundedConnection(Connection[TupleRow]):
    """Waits at most `response_timeout` seconds for each answer; None: as long as it takes.

    An answer is that to one call of the driver: a statement with all its rows, a commit, a
    rollback. After the deadline the connection is closed, because what comes on it next would be
    the answer to something else, and `DatabaseUnresponsive` is raised.
    """

    response_timeout: float | None = None

    @classmethod
    def connect(  # type: ignore[override]  # one more argument
        cls, conninfo: str = "", *, response_timeout: float | None = None, **options: Any
    ) -> Self:
        """Raises `psycopg.OperationalError`; the attempt is bounded by `connect_timeout`."""
        try:
            connection = super().connect(conninfo, **options)
        except ConnectionTimeout:
            outage.begin()
            raise
        outage.end()
        connection.response_timeout = response_timeout
        return connection

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """`timeout` in seconds is for callers for whom silence is no failure: `notifies`."""
        if timeout is not None or self.response_timeout is None:
            return super().wait(gen, interval, timeout)
        try:
            answer = super().wait(gen, interval, self.response_timeout)
        except _WaitTimeout:
            # Not `close`, which would give a connection of a pool back to it.
            self.pgconn.finish()
            outage.begin()
            raise DatabaseUnresponsive(
                f"the database did not answer within {self.response_timeout:g} s"
            ) from None
        if outage.lasts:
            outage.end()
        return answer
