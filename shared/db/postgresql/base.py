from datetime import UTC
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import OperationalError, adapters
from psycopg.abc import AdaptContext
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format

from shared.db.outage import outage

_TIMESTAMPTZ = adapters.types["timestamptz"].oid


class UtcLoader:
    """Makes psycopg's own loader, which is in C and reads times in the session's time zone. Django
    has set that to UTC.

    Django's loader replaces the time zone of each value in Python, which takes longer than all the
    rest of reading a row.
    """

    format = Format.TEXT
    timezone = UTC  # Django compares this with the time zone that it wants

    def __new__(cls, oid: int, context: AdaptContext | None = None) -> Any:
        loader = adapters.get_loader(_TIMESTAMPTZ, Format.TEXT)
        assert loader is not None
        return loader(oid, context)


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS` accepts a `response_timeout` in seconds; see `BoundedConnection`."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["context"] = AdaptersMap(params["context"])
        params["context"].register_loader(_TIMESTAMPTZ, UtcLoader)
        if self.alias == NO_DB_ALIAS:
            # Tests create their database over a plain connection, which lacks this option.
            params.pop("response_timeout", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raises `DatabaseUnresponsive` at once while the server is known not to answer."""
        outage.require_attempt()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            if outage.lasts:
                outage.begin()  # this was the attempt
            raise
