"""Database connections of the pool, held no longer than they are used."""

from django.db import connection


def give_back_connection() -> None:
    """Return this thread's connection to the pool, unless a transaction is open on it. Without a
    pool it does nothing.

    Django returns it at the end of the request. A request that goes on to wait for something else
    would keep it from those who could use it meanwhile.
    """
    if not connection.in_atomic_block and "pool" in connection.settings_dict["OPTIONS"]:
        connection.close()
