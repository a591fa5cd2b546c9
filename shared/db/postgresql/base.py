from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import OperationalError

from shared.db.outage import outage


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS` accepts a `response_timeout` in seconds; see `BoundedConnection`."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
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
