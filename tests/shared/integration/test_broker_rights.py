"""The rights that compose.yaml gives to the services, on a real broker."""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from shared.messaging.connection import open_channel
from shared.messaging.dead_letters import dead_letters, replay
from shared.messaging.publisher import OutgoingMessage, Publisher
from shared.messaging.topology import EVENTS_QUEUE
from tests.support.broker import broker_url
from tests.support.consumer import Handler, Running, wait_for
from tests.support.waiting import until

COMPOSE = Path(__file__).parents[3] / "compose.yaml"


def definitions() -> dict[str, Any]:
    """The definitions as the broker reads them, after Compose has inserted the password."""
    content = yaml.safe_load(COMPOSE.read_text())["configs"]["rabbitmq-definitions"]["content"]
    text = re.sub(r"\$\{\w+:\?[^}]*\}", "password", content).replace("$$", "$")
    found: dict[str, Any] = json.loads(text)
    return found


@dataclass(frozen=True)
class Granted:
    """A virtual host, and a user with the rights that the services have in the containers."""

    url: str


@pytest.fixture(scope="module")
def granted() -> Iterator[Granted]:
    tools = os.environ.get("DEVSTACK_RABBITMQ_BIN")
    if tools is None:
        pytest.skip("needs a broker of its own to give rights on: `python -m devstack exec`")
    control = Path(tools, "rabbitmqctl")

    def ctl(*words: str) -> None:
        subprocess.run([control, "--quiet", *words], check=True, timeout=120, capture_output=True)

    (rights,) = definitions()["permissions"]
    name, password = f"rights-{secrets.token_hex(4)}", secrets.token_hex(16)
    ctl("add_vhost", name)
    ctl("add_user", name, password)
    try:
        wanted = [rights[each] for each in ("configure", "write", "read")]
        ctl("set_permissions", "--vhost", name, name, *wanted)
        host = urlsplit(broker_url()).netloc.rpartition("@")[2]
        yield Granted(f"amqp://{name}:{password}@{host}/{name}")
    finally:
        ctl("delete_user", name)
        ctl("delete_vhost", name)


def publish(url: str, body: bytes) -> None:
    publisher = Publisher(url, timeout=30)
    message = OutgoingMessage(
        message_id="m",
        exchange="events",
        routing_key="event.created",
        headers={},
        body=body,
        created_at=datetime.now(UTC),
    )
    try:
        assert publisher.publish([message]) == [None]
    finally:
        publisher.close()


def test_they_are_enough_to_declare_publish_consume_dead_letter_and_replay(
    granted: Granted,
) -> None:
    handler = Handler()
    running = Running(granted.url, handler)
    try:
        publish(granted.url, b"good")
        publish(granted.url, b"bad")
        wait_for(handler, b"good")
        until(lambda: dead_letters(url=granted.url, queue=EVENTS_QUEUE), "a dead letter")
        assert replay(url=granted.url, queue=EVENTS_QUEUE, ids=None) == 1
        until(lambda: handler.attempts.count(b"bad") == 2, "the message that was sent back")
    finally:
        running.stop()
    assert running.error is None


def try_queue(channel: BlockingChannel) -> None:
    channel.queue_declare("somebody-elses")


def try_exchange(channel: BlockingChannel) -> None:
    channel.exchange_declare("payments", exchange_type="topic")


def try_publishing(channel: BlockingChannel) -> None:
    channel.basic_publish("amq.topic", "event.created", b"{}")
    channel.queue_declare(EVENTS_QUEUE.name, passive=True)


@pytest.mark.parametrize("attempt", [try_queue, try_exchange, try_publishing])
def test_they_are_not_enough_for_what_is_not_ours(granted: Granted, attempt: Any) -> None:
    channel = open_channel(granted.url, timeout=30)

    with pytest.raises(ChannelClosedByBroker) as refusal:
        attempt(channel)

    assert refusal.value.reply_code == 403
    channel.connection.close()


def test_the_user_is_not_an_administrator_and_the_only_one() -> None:
    (user,) = definitions()["users"]

    assert user["tags"] == []
    assert user["name"] == definitions()["permissions"][0]["user"]
