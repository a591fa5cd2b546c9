from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import OperationalError

from shared.db.outage import outage


class DatabaseWrapper(base.DatabaseWrapper):
    """Its `OPTIONS` take a `response_timeout` in seconds, see `BoundedConnection`."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if self.alias == NO_DB_ALIAS:
            # The tests' way to a database that is not there yet, by a plain connection.
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
