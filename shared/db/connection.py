"""A connection on which every wait is bounded.

Neither the server's timeouts nor TCP's fire while the server is frozen: the server can't act on its
own, and its kernel keeps acknowledging packets. Only a deadline around the wait does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.pq import TransactionStatus
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
    _begins_in_statement = False

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
        try:
            answer = super().wait(gen, interval, self.response_timeout)
        except _WaitTimeout:  # the name that psycopg documents for `wait`
            # Not `close`, which would return a pooled connection to its pool.
            self.pgconn.finish()
            outage.begin()
            raise DatabaseUnresponsive(
                f"the database did not answer within {self.response_timeout:g} s"
            ) from None
        if outage.lasts:
            outage.end()
        return answer

    @property
    def has_yet_to_begin(self) -> bool:
        """Whether the next statement begins a transaction."""
        return (
            not self.autocommit
            and self.pgconn.transaction_status == TransactionStatus.IDLE
            and self._pipeline is None
        )

    @contextmanager
    def beginning_in_statement(self) -> Iterator[str]:
        """The `BEGIN` for a statement to begin with. Otherwise it takes a round trip of its own."""
        self._begins_in_statement = True
        try:
            yield self._get_tx_start_command().decode()
        finally:
            self._begins_in_statement = False

    def _start_query(self) -> PQGen[None]:
        if not self._begins_in_statement:
            yield from super()._start_query()
