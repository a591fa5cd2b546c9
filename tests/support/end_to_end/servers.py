"""Fresh databases and a fresh virtual host on the servers that the environment names."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pika
import psycopg
import pytest
from pika.exceptions import ChannelClosedByBroker

from tests.support.waiting import PATIENCE_SECONDS

QUEUES = (
    "booking-service.events",
    "booking-service.events.dead",
    "booking-service.events.retry",
    "booking-service.notifications",
    "booking-service.notifications.dead",
    "booking-service.notifications.retry",
)


def required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        pytest.fail(
            f"{variable} is not set: run this as `python -m devstack exec -- pytest …`, "
            "or set EVENT_URL and BOOKING_URL to services that run"
        )
    return value


@contextlib.contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of a new database on the server of `server_url`, gone afterwards."""
    name = f"end_to_end_{secrets.token_hex(4)}"
    # No connection is kept meanwhile: a test may restart the server.
    _execute(server_url, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(statement.encode())


@contextlib.contextmanager
def fresh_vhost(broker_url: str) -> Iterator[str]:
    """The URL of a new virtual host; without rabbitmqctl, that of the given one, emptied."""
    tools = os.environ.get("DEVSTACK_RABBITMQ_BIN")
    if tools is None:
        _delete_queues(broker_url)
        yield broker_url
        return
    control = Path(tools) / "rabbitmqctl"
    name = f"end_to_end_{secrets.token_hex(4)}"
    user = urlsplit(broker_url).username
    assert user, "RABBITMQ_URL names no user"
    _run(control, "add_vhost", name)
    try:
        _run(control, "set_permissions", "--vhost", name, user, ".*", ".*", ".*")
        yield urlsplit(broker_url)._replace(path=f"/{quote(name, safe='')}").geturl()
    finally:
        _run(control, "delete_vhost", name)


def _run(control: Path, *arguments: str) -> None:
    command = [str(control), "--quiet", *arguments]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert answer.returncode == 0, f"rabbitmqctl {arguments[0]} failed: {answer.stderr}"


def _delete_queues(broker_url: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    for queue in QUEUES:
        with contextlib.suppress(ChannelClosedByBroker):
            connection.channel().queue_delete(queue)
    connection.close()
