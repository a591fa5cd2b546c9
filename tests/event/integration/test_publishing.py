"""From a committed event to RabbitMQ, and what happens while that is away."""

import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import Publisher
from shared.outbox import after_commit
from shared.outbox.models import OutboxMessage
from shared.outbox.services import publish_pending
from tests.event.http import VALID, post
from tests.shared.broker import Broker
from tests.shared.tcp_proxy import TcpProxy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy(broker: Broker, settings: Settings) -> Iterator[TcpProxy]:
    """Between the event service and RabbitMQ."""
    parts = urlsplit(broker.url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    settings.RABBITMQ_URL = proxy.url(broker.url)
    yield proxy
    proxy.mend()
    after_commit._attempts()._publisher.close()
    after_commit._attempts.cache_clear()
    proxy.close()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(broker.url, timeout=10)
    yield publisher
    publisher.close()


def create(client: Client) -> float:
    """Creates an event; returns how many seconds that took."""
    began = time.monotonic()
    response = post(client, VALID)
    assert response.status_code == 201, response.content
    return time.monotonic() - began


def pending() -> int:
    return OutboxMessage.objects.filter(published_at__isnull=True).count()


def test_a_created_event_is_in_the_queue_when_the_client_has_its_answer(
    client: Client, broker: Broker
) -> None:
    response = post(client, VALID)

    message = broker.take()
    assert message is not None
    assert json.loads(message.body) == response.json()
    assert broker.take() is None
    assert pending() == 0


def test_the_message_has_the_properties_of_the_contract(client: Client, broker: Broker) -> None:
    before = int(time.time())
    create(client)
    after = int(time.time())

    message = broker.take()
    assert message is not None
    row = OutboxMessage.objects.get()
    assert message.routing_key == "event.created"
    assert message.properties.type == "event.created"
    assert message.properties.content_type == "application/json"
    assert message.properties.delivery_mode == 2, "persistent"
    assert UUID(message.properties.message_id) == row.message_id
    assert before <= message.properties.timestamp <= after
    assert isinstance(json.loads(message.body)["price"], int)


def test_while_the_broker_refuses_an_event_is_created_fast_and_its_message_kept(
    client: Client, proxy: TcpProxy
) -> None:
    proxy.cut()

    assert create(client) < 1
    assert pending() == 1


def test_while_the_broker_hangs_an_event_is_created_in_bounded_time(
    client: Client, proxy: TcpProxy
) -> None:
    create(client)
    proxy.freeze()

    assert create(client) < 1
    assert pending() == 1


def test_one_request_pays_for_a_hanging_broker_and_not_each(
    client: Client, proxy: TcpProxy
) -> None:
    proxy.freeze()
    create(client)
    tried = proxy.accepted

    assert max(create(client) for _ in range(5)) < 0.25
    assert proxy.accepted == tried == 1
    assert pending() == 6


def test_after_the_pause_the_broker_is_tried_again(
    client: Client, proxy: TcpProxy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_commit, "PAUSE_AFTER_FAILURE_SECONDS", 0.0)
    proxy.cut()
    create(client)
    proxy.mend()

    create(client)

    assert pending() == 1, "only the one of the outage: older ones are the relay's"
    assert len(broker.take_all()) == 1


def test_a_connection_lost_while_idle_costs_no_message_its_way_out(
    client: Client, proxy: TcpProxy, broker: Broker
) -> None:
    """RabbitMQ closes a connection that was silent for two heartbeats; events are rare."""
    create(client)
    proxy.cut_connections()

    create(client)

    assert pending() == 0
    assert len(broker.take_all()) == 2


def test_a_failure_is_logged_once_with_the_message_left_behind(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut()
    create(client)
    create(client)

    first = OutboxMessage.objects.earliest("pk")
    texts = [record.getMessage() for record in caplog.records if "outbox" in record.getMessage()]
    assert len(texts) == 1
    assert f"left outbox message {first.pk} to the relay" in texts[0]


def test_a_message_that_no_queue_takes_stays_pending(broker: Broker, publisher: Publisher) -> None:
    OutboxMessage.objects.create(exchange="events", routing_key="nobody.listens", body={})

    with pytest.raises(Unroutable, match=r"nobody\.listens"):
        publish_pending(publisher)

    assert pending() == 1


def test_nothing_is_marked_while_the_broker_is_away(broker: Broker) -> None:
    OutboxMessage.objects.create(exchange="events", routing_key="event.created", body={})
    unreachable = Publisher("amqp://guest:guest@127.0.0.1:1/", timeout=5)

    with pytest.raises(BrokerUnavailable):
        publish_pending(unreachable)

    unreachable.close()
    assert pending() == 1


def test_pending_messages_are_published_oldest_first_up_to_the_limit(
    broker: Broker, publisher: Publisher
) -> None:
    for number in range(5):
        OutboxMessage.objects.create(
            exchange="events", routing_key="event.created", body={"number": number}
        )

    assert publish_pending(publisher, limit=3) == 3
    assert [json.loads(message.body)["number"] for message in broker.take_all()] == [0, 1, 2]
    assert publish_pending(publisher) == 2
    assert publish_pending(publisher) == 0
    assert [json.loads(message.body)["number"] for message in broker.take_all()] == [3, 4]
