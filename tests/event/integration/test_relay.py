"""`manage_event.py relay_outbox`, as the process that it is."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection

from shared.outbox.models import OutboxMessage
from tests.shared.broker import Broker
from tests.shared.tcp_proxy import TcpProxy
from tests.shared.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]


def database_url() -> str:
    """Of the test database that this test writes to."""
    at = connection.settings_dict
    login = quote(at["USER"], safe="")
    if at["PASSWORD"]:
        login += ":" + quote(at["PASSWORD"], safe="")
    return f"postgres://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@contextmanager
def relay(broker_url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "EVENT_DATABASE_URL": database_url(), "RABBITMQ_URL": broker_url}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage_event.py", "relay_outbox"],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def add(number: int, routing_key: str = "event.created") -> None:
    OutboxMessage.objects.create(exchange="events", routing_key=routing_key, body={"id": number})


def all_published() -> bool:
    return not OutboxMessage.objects.filter(published_at__isnull=True).exists()


def test_it_publishes_what_was_left_and_what_comes_and_ends_well(
    broker: Broker, tmp_path: Path
) -> None:
    add(1)
    with relay(broker.url, tmp_path / "log") as process:
        assert broker.wait_for_message().body == b'{"id":1}'
        add(2)
        assert broker.wait_for_message().body == b'{"id":2}'
        until(all_published, "marks on the published messages")

        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


def test_it_outlives_a_broker_that_is_away(broker: Broker, tmp_path: Path) -> None:
    parts = urlsplit(broker.url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    proxy.cut()
    log = tmp_path / "log"
    add(1)
    with relay(proxy.url(broker.url), log) as process:
        until(lambda: b"trying again" in log.read_bytes(), "a failed attempt")
        assert broker.take() is None
        proxy.mend()
        assert broker.wait_for_message().body == b'{"id":1}'
        proxy.cut()
        add(2)
        proxy.mend()
        assert broker.wait_for_message().body == b'{"id":2}'
        assert process.poll() is None
    proxy.close()


def test_it_can_be_stopped_while_the_broker_is_away(broker: Broker, tmp_path: Path) -> None:
    log = tmp_path / "log"
    add(1)
    with relay("amqp://guest:guest@127.0.0.1:1/", log) as process:
        until(lambda: b"trying again" in log.read_bytes(), "a failed attempt")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not all_published()
