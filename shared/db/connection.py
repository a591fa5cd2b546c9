"""A connection on which every wait is bounded.

Neither the server's timeouts nor TCP's fire while the server is frozen: the server can't act on its
own, and its kernel keeps acknowledging packets. Only a deadline around the wait does.
"""

from time import monotonic
from typing import Any, Self, TypeVar

from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout
from psycopg.rows import TupleRow

from shared.db.errors import DatabaseUnresponsive
from shared.db.outage import outage

T = TypeVar("T")


class BoundedConnection(Connection[TupleRow]):
    """Waits at most `response_timeout` seconds for each answer; None means no limit.

    An answer is the reply to one driver call: a statement with all its rows, a commit, a rollback.
    After the deadline `DatabaseUnresponsive` is raised and the connection is closed, because a late
    answer on it would be taken for that to the next call.
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
        """`timeout` (seconds) is for `notifies`, for which silence isn't a failure."""
        if timeout is not None or self.response_timeout is None:
            return super().wait(gen, interval, timeout)
        answer = super().wait(self._until_deadline(gen, self.response_timeout), interval)
        if outage.lasts:
            outage.end()
        return answer

    def _until_deadline(self, gen: PQGen[T], seconds: float) -> PQGen[T]:
        """psycopg resumes it when something has arrived, and after each `interval`."""
        ends_at = monotonic() + seconds
        try:
            wanted = next(gen)
            while monotonic() < ends_at:
                wanted = gen.send((yield wanted))
        except StopIteration as end:
            answer: T = end.value
            return answer
        # Not `close`, which would return a pooled connection to its pool.
        self.pgconn.finish()
        outage.begin()
        raise DatabaseUnresponsive(f"the database did not answer within {seconds:g} s")
