"""A real PostgreSQL behind a proxy that keeps acknowledging but forwards nothing, as the kernel
does for a frozen server."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from shared.db import connection as connections
from shared.db import outage as outages
from shared.db.connection import BoundedConnection
from shared.db.errors import DatabaseUnresponsive
from shared.db.outage import Outage
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

CONNECT_SECONDS = 2  # for what must not come
ROOT = Path(__file__).parents[3]
# A call that ends by itself ends much sooner; one that hangs would hang forever.
HANGS_SECONDS = 30
DEADLINE_SECONDS = 0.3


@pytest.fixture
def way() -> Iterator[TcpProxy]:
    parts = urlsplit(os.environ["EVENT_DATABASE_URL"])
    proxy = TcpProxy(parts.hostname or "", parts.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def url(way: TcpProxy) -> str:
    return way.url(os.environ["EVENT_DATABASE_URL"])


@pytest.fixture(autouse=True)
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    fresh = Outage()
    monkeypatch.setattr(connections, "outage", fresh)
    return fresh


@pytest.fixture
def connection(url: str) -> Iterator[BoundedConnection]:
    connection = BoundedConnection.connect(url, response_timeout=DEADLINE_SECONDS)
    yield connection
    connection.close()


def in_time(call: Callable[[], object]) -> object:
    """What `call` returns or raises, unless it hangs."""
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome.result(HANGS_SECONDS)


CALLS: dict[str, Callable[[BoundedConnection], object]] = {
    "statement": lambda connection: connection.execute("SELECT 1"),
    "several statements": lambda connection: connection.execute("SELECT 1; SELECT 2; COMMIT"),
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "many": lambda connection: connection.cursor().executemany("SELECT %s", [(1,), (2,)]),
    "pipeline": lambda connection: _pipeline(connection),
    "copy": lambda connection: _copy(connection),
    "stream": lambda connection: list(connection.cursor().stream("SELECT 1")),
    "transaction": lambda connection: _transaction(connection),
}


def _pipeline(connection: BoundedConnection) -> None:
    with connection.pipeline():
        connection.execute("SELECT 1")


def _copy(connection: BoundedConnection) -> None:
    with connection.cursor().copy("COPY (SELECT 1) TO STDOUT") as copy:
        list(copy)


def _transaction(connection: BoundedConnection) -> None:
    with connection.transaction():
        connection.execute("SELECT 1")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_waits_for_a_frozen_server_beyond_the_deadline(
    way: TcpProxy,
    connection: BoundedConnection,
    outage: Outage,
    call: Callable[[BoundedConnection], object],
) -> None:
    connection.execute("SELECT 1")
    assert connection.pgconn.transaction_status == TransactionStatus.INTRANS
    way.freeze()

    with pytest.raises(psycopg.OperationalError):
        in_time(lambda: call(connection))

    assert connection.closed
    assert outage.lasts
    in_time(connection.close)


def test_without_the_deadline_the_same_call_hangs(way: TcpProxy, url: str) -> None:
    """The control."""
    with psycopg.connect(url) as plain:
        plain.execute("SELECT 1")
        way.freeze()
        answered = threading.Event()

        def ask() -> None:
            plain.execute("SELECT 1")
            answered.set()

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert not answered.wait(10 * DEADLINE_SECONDS)
        way.mend()
        assert answered.wait(HANGS_SECONDS)
        thread.join(HANGS_SECONDS)


def test_an_answer_before_the_deadline_is_accepted(connection: BoundedConnection) -> None:
    connection.response_timeout = HANGS_SECONDS
    assert connection.execute("SELECT pg_sleep(0.5), 7").fetchone() == ("", 7)


def test_a_late_answer_is_never_taken_for_that_to_another_query(
    way: TcpProxy, connection: BoundedConnection
) -> None:
    way.freeze()
    with pytest.raises(DatabaseUnresponsive):
        connection.execute("SELECT 1")
    way.mend()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 2")


def test_silence_is_not_a_failure_while_waiting_for_a_notification(
    connection: BoundedConnection,
) -> None:
    connection.autocommit = True
    connection.execute("LISTEN nothing_is_told_here")
    assert list(connection.notifies(timeout=2 * DEADLINE_SECONDS)) == []
    assert not connection.closed


def test_a_peer_that_accepts_and_stays_silent_is_given_up(outage: Outage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(psycopg.OperationalError):
            in_time(
                lambda: BoundedConnection.connect(
                    f"postgresql://nobody@127.0.0.1:{port}/nothing", connect_timeout=CONNECT_SECONDS
                )
            )
    assert outage.lasts


def test_a_connection_that_was_given_up_is_not_reused(way: TcpProxy, url: str) -> None:
    kwargs = {
        "response_timeout": DEADLINE_SECONDS,
        "connect_timeout": CONNECT_SECONDS,
        "autocommit": True,
    }
    with ConnectionPool(
        url,
        connection_class=BoundedConnection,
        kwargs=kwargs,
        min_size=1,
        max_size=2,
        timeout=CONNECT_SECONDS,
        reconnect_timeout=1,
        check=ConnectionPool.check_connection,
    ) as pool:
        pool.wait(HANGS_SECONDS)
        connection = pool.getconn()
        way.freeze()
        with pytest.raises(DatabaseUnresponsive):
            connection.execute("SELECT 1")
        in_time(lambda: pool.putconn(connection))
        with pytest.raises(PoolTimeout):
            in_time(pool.getconn)

        way.mend()

        def answers() -> bool:
            try:
                with pool.connection() as other:
                    return other.execute("SELECT 1").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        until(answers, "a connection", seconds=HANGS_SECONDS)


def test_a_check_detects_a_connection_to_a_frozen_server(way: TcpProxy, url: str) -> None:
    with ConnectionPool(
        url,
        connection_class=BoundedConnection,
        kwargs={
            "response_timeout": DEADLINE_SECONDS,
            "connect_timeout": CONNECT_SECONDS,
            "autocommit": True,
        },
        min_size=1,
        timeout=CONNECT_SECONDS,
        check=ConnectionPool.check_connection,
    ) as pool:
        pool.wait(HANGS_SECONDS)
        way.freeze()
        with pytest.raises(PoolTimeout):
            in_time(pool.getconn)
        way.mend()


GEVENT_SCRIPT = """
import sys
from gevent import monkey
monkey.patch_all()

import gevent
import psycopg
from shared.db.connection import BoundedConnection
from shared.db.errors import DatabaseUnresponsive

connection = BoundedConnection.connect(sys.argv[1], response_timeout=0.5)
connection.execute("SELECT 1")
print("frozen?", flush=True)
sys.stdin.readline()
ticks = 0

def tick():
    global ticks
    while True:
        gevent.sleep(0.05)
        ticks += 1

gevent.spawn(tick)
with gevent.Timeout(30):
    try:
        connection.execute("SELECT 1")
    except DatabaseUnresponsive:
        connection.close()
        print("given up, others went on:", ticks > 2)
"""


def test_under_gevent_the_deadline_holds_and_delays_no_other_greenlet(
    way: TcpProxy, url: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", GEVENT_SCRIPT, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "frozen?\n"
        way.freeze()
        output, _ = process.communicate("yes\n", timeout=2 * HANGS_SECONDS)
    assert output == "given up, others went on: True\n"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_during_an_outage_one_caller_at_a_time_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(outages, "monotonic", clock)
    outage = Outage()

    def may_try() -> bool:
        try:
            outage.require_attempt()
        except DatabaseUnresponsive:
            return False
        return True

    assert [may_try(), may_try()] == [True, True]
    outage.begin()
    assert not may_try()
    clock.now += outages.PAUSE_SECONDS
    assert [may_try(), may_try()] == [True, False]
    clock.now += outages.ATTEMPT_SECONDS
    assert [may_try(), may_try()] == [True, False]
    outage.end()
    assert [may_try(), may_try()] == [True, True]
