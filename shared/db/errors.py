"""The one definition of "the database is away or busy: try again", by SQLSTATE."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, InternalError, OperationalError, ProgrammingError
from psycopg.errors import OperationalError as PsycopgOperationalError

# SQLSTATEs and their classes, the first two characters: PostgreSQL's documentation, appendix A.
_TIMEOUTS = frozenset({"55P03", "57014"})  # lock_timeout, statement_timeout
_LIMIT_EXCEEDED = "54"
# Django's `InternalError`s that pass on their own. Any other is a bug, here or in PostgreSQL.
_PASSING_INTERNAL_ERRORS = frozenset(
    {
        "25P02",  # a statement after one that failed in the same transaction
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
        "25006",  # read-only: we are still connected to what was the primary before a failover
    }
)
# No such table, column or schema; no privilege.
_NOT_MIGRATED = frozenset({"42P01", "42703", "3F000", "42501"})


class DatabaseUnresponsive(PsycopgOperationalError):
    """The server did not answer within the deadline, now or a moment ago.

    Whether the statement took effect is unknown. Django's `OperationalError` wraps it.
    """


class DatabaseUnavailable(Exception):
    """The database is away or busy. The same work may succeed later."""


def is_timeout(error: BaseException | None) -> bool:
    """Whether another transaction held a lock that this work needs for too long, or the work
    itself took too long. Other work is not affected."""
    return isinstance(error, OperationalError) and _sqlstate(error) in _TIMEOUTS


def is_outage(error: BaseException | None) -> bool:
    """Whether the database can't serve anyone: it is away, in recovery, full or not migrated."""
    if isinstance(error, ProgrammingError):
        return _sqlstate(error) in _NOT_MIGRATED
    return is_unavailable(error) and not is_timeout(error)


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the same work may succeed later: after a lost or refused connection, a lock,
    statement or idle timeout, or a deadlock, or while the server starts, stops or is full."""
    if isinstance(error, OperationalError):
        return not _sqlstate(error).startswith(_LIMIT_EXCEEDED)
    if isinstance(error, InternalError):
        return _sqlstate(error) in _PASSING_INTERNAL_ERRORS
    return isinstance(error, InterfaceError)


@contextmanager
def unavailable_as_one_error() -> Iterator[None]:
    """Raises `DatabaseUnavailable` for an outage or a timeout; lets other errors through."""
    try:
        yield
    except Error as error:
        if not (is_outage(error) or is_timeout(error)):
            raise
        raise DatabaseUnavailable(f"the database is away: {error}") from error


def _sqlstate(error: BaseException) -> str:
    """From the driver's error, which is the cause of Django's. Empty if the server sent none."""
    return getattr(error.__cause__, "sqlstate", None) or ""
