"""Pooled database connections, held no longer than they are used."""

from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponseBase


def release_connection() -> None:
    """Return this thread's connection to the pool, unless a transaction is open on it. Without a
    pool it does nothing.

    Django returns it at the end of the request. A request that goes on to wait for something else
    would keep it from other requests until then.
    """
    # Looked up once, not at each use: the lookup is most of what this costs.
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.connection is None or connection.in_atomic_block:
        return
    if "pool" in connection.settings_dict["OPTIONS"]:
        connection.close()


def release_before_sending(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. Django would keep the connection until the client has read the whole answer."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        try:
            return get_response(request)
        finally:
            release_connection()

    return middleware
