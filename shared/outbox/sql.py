"""The outbox's SQL: what the ORM can't express, or does row by row."""

from collections.abc import Sequence

from django.db import connection

CHANNEL = "outbox"

# Any number that no other advisory lock in a service's database uses.
_TURN = 7_102_845_316

_INSERT_AND_NOTIFY = f"""
    WITH stored AS (
        INSERT INTO outbox_outboxmessage
               (message_id, exchange, routing_key, ordering_key, headers, body)
        SELECT gen_random_uuid(), new.*
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[], %s::jsonb[]) AS new
    )
    SELECT pg_notify('{CHANNEL}', '')
"""  # noqa: S608 (a constant)


def insert_and_notify(rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Rows are exchange, routing key, ordering key, headers and body, the last two as JSON."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_AND_NOTIFY, [list(column) for column in zip(*rows, strict=True)])


def advisory_lock(*, wait: bool) -> bool:
    """Whether the current transaction is now the one that publishes, until it ends."""
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_TURN])
        (taken,) = cursor.fetchone()
    return wait or bool(taken)


def listen() -> None:
    """Subscribe this connection to new messages. Repeating it is harmless."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def wait_for_notification(*, timeout: float) -> bool:
    """Whether a transaction that added messages has committed since `listen`. Waits at most
    `timeout` seconds for one. Raises Django's `OperationalError` if the connection is lost."""
    with connection.wrap_database_errors:
        # psycopg waits for the socket, but a notification may already have been read together with
        # the answer to an earlier statement.
        if connection.connection.pgconn.notifies() is not None:
            return True
        return any(connection.connection.notifies(timeout=timeout, stop_after=1))
