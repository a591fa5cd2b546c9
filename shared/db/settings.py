"""The `DATABASES` entry of a service, read from the environment."""

from collections.abc import Mapping
from typing import Any

from shared.conf.env import Environment, OneOf, Range
from shared.db.connection import BoundedConnection
from shared.db.waits import Waits, read_waits

# Seconds. A server that refuses is noticed at once; a silent one only after this time.
CONNECT_SECONDS = 5
POOL_SECONDS = 5.0
# After this time without success the pool stops trying in the background, and tries again when a
# connection is next requested. Otherwise its pauses double, up to minutes in which the database
# may be back unnoticed.
_RECONNECT_SECONDS = 3.0
_IDLE_IN_TRANSACTION_MS = 15000

# Of each connection to the coordinator of a Citus cluster.
CITUS_SETTINGS = {
    # One connection to each node is kept open, and reads of several shards of a node take turns on
    # it. Others would be opened for each such read.
    "citus.max_adaptive_executor_pool_size": "1",
    "citus.multi_shard_modify_mode": "sequential",
}


def read_database(
    env: Environment,
    service: str,
    *,
    lock_timeout_ms: int = 0,
    health_checks: bool = False,
    server_settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """From `{service}_DATABASE_URL`, `{service}_DB_POOL_SIZE`, and what `read_waits` reads.

    With `lock_timeout_ms` 0, only the statement timeout limits the wait for a lock. With
    `health_checks`, each connection is tested with one round trip before it is used.
    `server_settings` are PostgreSQL's, for each connection.
    """
    database = env.database_url(
        f"{service}_DATABASE_URL",
        conn_health_checks=health_checks,
        help=f"PostgreSQL of the {service.lower()} service. Percent-encode special characters. "
        "`make run` starts its own server if this is not set.",
    )
    pool_size = env.int(
        f"{service}_DB_POOL_SIZE",
        8,
        validate=Range(min=2, max=100),
        help="Database connections per process.",
    )
    waits = read_waits(env, service, lock_timeout_ms=lock_timeout_ms)
    options = database.get("OPTIONS", {})
    limits = {**_server_limits(waits, lock_timeout_ms), **(server_settings or {})}
    given = " ".join(f"-c {name}={value}" for name, value in limits.items())
    pooled = _is_pooled(env)
    if not pooled:
        options = {**options, "options": f"{options.get('options', '')} {given}"}
    return {
        **database,
        "ENGINE": "shared.db.postgresql",
        # Such a cursor would be on one connection, and its next rows asked for on another.
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
        "OPTIONS": {
            "connect_timeout": CONNECT_SECONDS,
            **options,
            "response_timeout": waits.response_timeout,
            "pool": {
                "connection_class": BoundedConnection,
                "min_size": 1,
                "max_size": pool_size,
                "timeout": POOL_SECONDS,
                "reconnect_timeout": _RECONNECT_SECONDS,
            },
        },
    }


def _is_pooled(env: Environment) -> bool:
    """Whether connections are shared between transactions on their way to the server. A session has
    no settings of its own then: those in `options` are the pooler's to make."""
    kind = env.str(
        "DATABASE_POOLER",
        "none",
        validate=OneOf(["none", "transaction"]),
        help="`transaction`: the database URL leads to PgBouncer with `pool_mode = transaction`. "
        "Its `connect_query` sets the timeouts, as in `deploy/cluster/pgbouncer.ini`. For APIs "
        "only: workers and commands need connections of their own.",
    )
    return kind == "transaction"


def _server_limits(waits: Waits, lock_timeout_ms: int) -> dict[str, str]:
    idle_ms = _IDLE_IN_TRANSACTION_MS if waits.response_timeout is not None else 0
    return {
        "lock_timeout": str(lock_timeout_ms),
        "statement_timeout": str(waits.statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_ms),
    }
