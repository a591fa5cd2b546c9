"""How busy the pools of database connections are."""

from collections.abc import Mapping

from django.db import connection
from prometheus_client import Counter, Gauge

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
_WAITS = Counter("database_pool_waits", "Uses of the database that had to wait for a connection")
_WAIT_SECONDS = Counter("database_pool_wait_seconds", "How long they have waited, together")
_FAILURES = Counter("database_pool_failures", "Uses of the database that got no connection")


# What this process has counted before; it has at most one pool.
_counted: dict[str, int] = {}


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
    _WAITS.inc(_more(stats, "requests_queued"))
    _WAIT_SECONDS.inc(_more(stats, "requests_wait_ms") / 1000)
    _FAILURES.inc(_more(stats, "requests_errors"))


def _more(stats: Mapping[str, int], name: str) -> int:
    """What the pool has counted since the last look. A new pool counts from 0."""
    now, before = stats.get(name, 0), _counted.get(name, 0)
    _counted[name] = now
    return now - before if now >= before else now
