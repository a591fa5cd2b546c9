"""The one definition of "the database is away or busy: try again"."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, InternalError, OperationalError
from psycopg.errors import OperationalError as PsycopgOperationalError

# Django's `InternalError`s that pass by themselves. Any other one is a bug, here or in PostgreSQL.
_PASSING_INTERNAL_ERRORS = frozenset(
    {
        "25P02",  # a statement after one that failed in the same transaction
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
        "25006",  # read-only: we are still connected to what was the primary before a failover
    }
)


class DatabaseUnresponsive(PsycopgOperationalError):
    """The server did not answer within the deadline, or was found like that a moment ago.

    Whether the statement took effect is unknown. Django's `OperationalError` wraps it.
    """


class DatabaseUnavailable(Exception):
    """The database is away or busy. The same work may succeed later."""


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the same work may succeed later: the connection is lost or can't be had, a lock,
    statement or idle timeout, a deadlock, a server that starts, stops or has no room."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, InternalError) and _sqlstate(error) in _PASSING_INTERNAL_ERRORS


@contextmanager
def unavailable_as_one_error() -> Iterator[None]:
    """Raises `DatabaseUnavailable` for every error that `is_unavailable`; others as they are."""
    try:
        yield
    except Error as error:
        if not is_unavailable(error):
            raise
        raise DatabaseUnavailable(f"the database is away: {error}") from error


def _sqlstate(error: BaseException) -> str | None:
    """Django's errors have the driver's as their cause."""
    return getattr(error.__cause__, "sqlstate", None)
