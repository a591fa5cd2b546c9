"""What a process says about its database connections."""

import threading

import pytest
from django.db import connection
from prometheus_client import REGISTRY

from shared.db.pool_metrics import observe_pool
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)


def value(name: str, **labels: str) -> float:
    observe_pool()
    return REGISTRY.get_sample_value(name, labels) or 0


def test_who_waits_for_a_connection_is_seen_and_counted_with_how_long() -> None:
    connection.ensure_connection()
    pool = connection.pool  # type: ignore[attr-defined]  # the stubs know no pool
    waits, seconds = value("database_pool_waits_total"), value("database_pool_wait_seconds_total")
    taken = [pool.getconn(PATIENCE_SECONDS) for _ in range(pool.max_size - 1)]
    assert value("database_pool_connections", state="used") == pool.max_size
    got = threading.Event()

    def wait() -> None:
        pool.putconn(pool.getconn(PATIENCE_SECONDS))
        got.set()

    waiting = threading.Thread(target=wait)
    try:
        waiting.start()
        until(lambda: value("database_pool_waiting") == 1, "somebody who waits")
        assert not got.is_set()
    finally:
        for each in taken:
            pool.putconn(each)
        waiting.join(PATIENCE_SECONDS)

    assert got.is_set()
    assert value("database_pool_waiting") == 0
    assert value("database_pool_waits_total") > waits
    assert value("database_pool_wait_seconds_total") > seconds
