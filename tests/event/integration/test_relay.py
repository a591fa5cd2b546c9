"""`manage_event.py relay_outbox` as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models.functions import Now

from shared.idempotency.models import IdempotencyRecord
from shared.outbox.models import OutboxEntry
from shared.outbox.services import NewMessage, outbox_add
from shared.outbox.sql import CHANNEL, listen, wait_for_notification
from tests.support.broker import Broker
from tests.support.concurrency import at_once
from tests.support.outbox import stored, unpublished
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
RELAY = ("manage_event.py", "relay_outbox")
WITHOUT_POLLING = ("-m", "tests.support.event.relay_without_polling")


def database_url() -> str:
    """The URL of the test database that this test writes to."""
    at = connection.settings_dict
    login = quote(at["USER"], safe="")
    if at["PASSWORD"]:
        login += ":" + quote(at["PASSWORD"], safe="")
    return f"postgres://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@contextmanager
def relay(
    broker_url: str, log: Path, *, command: Sequence[str] = RELAY
) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "EVENT_DATABASE_URL": database_url(), "RABBITMQ_URL": broker_url}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
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


def add(number: int) -> None:
    with transaction.atomic():
        outbox_add(
            [
                NewMessage(
                    exchange="events",
                    routing_key="event.created",
                    ordering_key=f"event-{number}",
                    body={"id": number},
                )
            ]
        )


def all_published() -> bool:
    return not unpublished()


def test_it_publishes_old_and_new_messages_and_exits_cleanly(
    broker: Broker, tmp_path: Path
) -> None:
    add(1)
    with relay(broker.url, tmp_path / "log") as process:
        assert broker.wait_for_message().body == b'{"id":1}'
        add(2)
        assert broker.wait_for_message().body == b'{"id":2}'
        until(all_published, "marks on the published messages")

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


def test_a_new_message_wakes_it_at_once(broker: Broker, tmp_path: Path) -> None:
    """Ten in a row, each added when the one before has arrived, by a relay that looks for messages
    by itself once a day."""
    with relay(broker.url, tmp_path / "log", command=WITHOUT_POLLING):
        for number in range(10):
            add(number)
            assert json.loads(broker.wait_for_message().body) == {"id": number}


def test_a_wake_up_that_arrives_with_an_earlier_answer_is_not_missed() -> None:
    """Like a relay that reads slowly."""
    listen()
    server = connection.connection.pgconn
    server.send_query(b"SELECT 1")
    until(lambda: server.flush() == 0, "query that is sent")
    with ThreadPoolExecutor() as threads:
        threads.submit(at_once, [lambda: add(1)]).result(PATIENCE_SECONDS)
    with socket.socket(fileno=os.dup(server.socket)) as unread:
        until(lambda: CHANNEL.encode() in unread.recv(65536, socket.MSG_PEEK), "notification")
    server.consume_input()
    while server.get_result() is not None:
        pass

    assert wait_for_notification(timeout=BRIEF_SECONDS)


def test_several_at_once_keep_the_order_and_publish_nothing_twice(
    broker: Broker, tmp_path: Path
) -> None:
    with (
        relay(broker.url, tmp_path / "1"),
        relay(broker.url, tmp_path / "2"),
        relay(broker.url, tmp_path / "3"),
    ):
        for number in range(300):
            add(number)
        until(all_published, "marks on the published messages")

    found = [json.loads(message.body)["id"] for message in broker.take_all()]
    assert found == list(range(300))


def test_another_relay_continues_after_one_is_killed(broker: Broker, tmp_path: Path) -> None:
    with relay(broker.url, tmp_path / "1") as first, relay(broker.url, tmp_path / "2"):
        for number in range(100):
            add(number)
            if number == 50:
                first.kill()
        until(all_published, "marks on the published messages")

    found = [json.loads(message.body)["id"] for message in broker.take_all()]
    assert set(found) == set(range(100))


def test_a_queue_with_other_arguments_ends_it_with_the_reason(
    broker: Broker, tmp_path: Path
) -> None:
    broker.delete_queues()
    broker.channel.queue_declare(broker.queue, durable=True)
    add(1)
    with relay(broker.url, tmp_path / "log") as process:
        assert process.wait(PATIENCE_SECONDS) == 1

    assert b"delete it" in (tmp_path / "log").read_bytes()
    assert not all_published()


def test_it_survives_an_outage_of_the_broker(broker: Broker, tmp_path: Path) -> None:
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
        assert process.wait(PATIENCE_SECONDS) == 0
    assert not all_published()


def test_it_deletes_expired_sessions(broker: Broker, tmp_path: Path) -> None:
    for key, age in [("past", timedelta(minutes=1)), ("present", -timedelta(minutes=1))]:
        Session.objects.create(session_key=key, session_data="", expire_date=Now() - age)

    with relay(broker.url, tmp_path / "relay.log"):
        until(lambda: Session.objects.count() < 2, "deletion of a session")

    assert Session.objects.get().session_key == "present"


def test_it_deletes_messages_and_idempotency_keys_that_are_past_their_retention(
    broker: Broker, tmp_path: Path
) -> None:
    young, old = Now() - timedelta(hours=23), Now() - timedelta(hours=25)
    for number, at in [(1, young), (2, old)]:
        add(number)
        OutboxEntry.objects.filter(published_at=None).update(published_at=at)
        IdempotencyRecord.objects.create(
            caller="ann", path="/", key=str(number), fingerprint="", response="", created_at=at
        )

    with relay(broker.url, tmp_path / "relay.log"):
        until(lambda: IdempotencyRecord.objects.count() < 2, "deletion of a key")
        until(lambda: len(stored()) < 2, "deletion of a message")

    assert IdempotencyRecord.objects.get().key == "1"
    [kept] = stored()
    assert kept.ordering_key == "event-1"
