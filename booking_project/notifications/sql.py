"""The SQL of this app."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

# Two processes that have the same messages insert them in the same order, and so don't deadlock.
_INSERT = """
    INSERT INTO bookings_notification (message_id, booking_id, kind, address)
    SELECT *
    FROM unnest(%s::uuid[], %s::bigint[], %s::varchar[], %s::varchar[])
        AS mail (message_id, booking_id, kind, address)
    ORDER BY message_id
    ON CONFLICT (message_id) DO NOTHING
    RETURNING message_id
"""


def no_idle_timeout() -> None:
    """For the current transaction, which waits for the mail server."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def insert_new(rows: Iterable[tuple[UUID, int, str, str]]) -> set[UUID]:
    """Of message_id, booking_id, kind and address. Returns the ids that had no row yet.

    Waits for a transaction that has inserted one of them, at most the lock timeout, then raises
    `OperationalError`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
        return {message_id for (message_id,) in cursor.fetchall()}
