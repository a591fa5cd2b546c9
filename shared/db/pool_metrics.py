"""How busy the pools of database connections are."""

from django.db import connection
from prometheus_client import Gauge

_CONNECTIONS = Gauge(
    "database_pool_connections",
    "Connections to the database, over all processes",
    ["state"],
    multiprocess_mode="livesum",
)
_WAITING = Gauge(
    "database_pool_waiting",
    "Requests that wait for a connection, over all processes",
    multiprocess_mode="livesum",
)


def observe_pool() -> None:
    """Of this process; does nothing without a pool."""
    pool = connection.pool  # type: ignore[attr-defined]  # the stubs know no pool
    if pool is None:
        return
    stats = pool.get_stats()
    idle = stats.get("pool_available", 0)
    _CONNECTIONS.labels("idle").set(idle)
    _CONNECTIONS.labels("used").set(stats.get("pool_size", 0) - idle)
    _WAITING.set(stats.get("requests_waiting", 0))
