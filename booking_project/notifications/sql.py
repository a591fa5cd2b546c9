"""The SQL of this app."""

from django.db import connection


def no_idle_timeout() -> None:
    """For the current transaction, which waits for the mail server."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
