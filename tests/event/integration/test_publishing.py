"""From a committed event to RabbitMQ, and what happens while that is away."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import Publisher
from shared.outbox import after_commit
from shared.outbox.models import OutboxMessage
from shared.outbox.services import NewMessage, outbox_add, prune_published, publish_pending
from tests.event.http import VALID, post
from tests.shared.broker import Broker
from tests.shared.tcp_proxy import TcpProxy
from tests.shared.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy(broker: Broker, settings: Settings) -> Iterator[TcpProxy]:
    """Between the event service and RabbitMQ."""
    parts = urlsplit(broker.url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    settings.RABBITMQ_URL = proxy.url(broker.url)
    yield proxy
    proxy.mend()
    after_commit._publisher().close()
    after_commit._publisher.cache_clear()
    proxy.close()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(broker.url, timeout=PATIENCE_SECONDS)
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


def all_published() -> bool:
    return pending() == 0


def add(number: int = 0, *, key: str = "event-1", routing_key: str = "event.updated") -> None:
    with transaction.atomic():
        outbox_add(
            [
                NewMessage(
                    exchange="events",
                    routing_key=routing_key,
                    ordering_key=key,
                    body={"number": number},
                )
            ]
        )


def numbers(broker: Broker) -> list[int]:
    return [json.loads(message.body)["number"] for message in broker.take_all()]


def create_until_published(client: Client) -> None:
    """A publisher that has lost its broker looks for it again by itself, after a pause."""

    def attempt() -> bool:
        create(client)
        return all_published()

    until(attempt, "an event whose message is published by its own request")


def test_a_created_event_is_in_the_queue_when_the_client_has_its_answer(
    client: Client, broker: Broker, proxy: TcpProxy
) -> None:
    response = post(client, VALID)

    message = broker.take()
    assert message is not None
    assert json.loads(message.body) == response.json()
    assert broker.take() is None
    assert all_published()


def test_the_message_has_the_properties_of_the_contract(
    client: Client, broker: Broker, publisher: Publisher
) -> None:
    before = int(time.time())
    create(client)
    after = int(time.time())
    publish_pending(publisher, wait=True)

    message = broker.wait_for_message()
    row = OutboxMessage.objects.get()
    assert message.routing_key == "event.created"
    assert message.properties.type == "event.created"
    assert message.properties.content_type == "application/json"
    assert message.properties.delivery_mode == 2, "persistent"
    assert UUID(message.properties.message_id) == row.message_id
    assert before <= message.properties.timestamp <= after
    assert isinstance(json.loads(message.body)["price"], int)


def test_while_the_broker_refuses_an_event_is_created_and_its_message_kept(
    client: Client, proxy: TcpProxy
) -> None:
    proxy.cut()

    create(client)

    assert pending() == 1


def test_one_request_pays_for_a_hanging_broker_and_not_each(
    client: Client, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_commit, "PUBLISH_SECONDS", 1.5)
    proxy.freeze()
    first = create(client)
    assert first >= after_commit.PUBLISH_SECONDS, "the control: this one did wait"

    others = [create(client) for _ in range(20)]

    assert max(others) < after_commit.PUBLISH_SECONDS
    assert pending() == 21


def test_when_the_broker_is_back_a_request_publishes_what_is_pending_in_order(
    client: Client, proxy: TcpProxy, broker: Broker
) -> None:
    proxy.cut()
    for number in range(3):
        add(number)
    create(client)
    proxy.mend()

    create_until_published(client)

    bodies = [json.loads(message.body) for message in broker.take_all()]
    firsts = [body["number"] for body in bodies if "number" in body]
    assert list(dict.fromkeys(firsts)) == [0, 1, 2]


def test_a_failure_is_logged_and_not_the_clients_problem(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut()
    create(client)

    assert "left the outbox to the relay" in caplog.text


def test_a_message_that_no_queue_takes_stays_pending_and_others_pass(
    broker: Broker, publisher: Publisher
) -> None:
    add(1, key="one", routing_key="nobody.listens")
    add(2, key="two")

    with pytest.raises(Unroutable, match=r"nobody\.listens"):
        publish_pending(publisher, wait=True)

    assert pending() == 1
    assert numbers(broker) == [2]


def test_what_follows_a_failed_message_of_its_key_is_published_again_after_it(
    broker: Broker, publisher: Publisher
) -> None:
    """So that the last delivery of each is in order: a duplicate is better than a gap."""
    add(1, key="one", routing_key="nobody.listens")
    add(2, key="one")

    with pytest.raises(Unroutable):
        publish_pending(publisher, wait=True)
    assert pending() == 2

    OutboxMessage.objects.update(routing_key="event.updated")
    assert publish_pending(publisher, wait=True) == 2
    assert numbers(broker) == [2, 1, 2]


def test_nothing_is_marked_while_the_broker_is_away(broker: Broker) -> None:
    add()
    unreachable = Publisher("amqp://guest:guest@127.0.0.1:1/", timeout=PATIENCE_SECONDS)

    with pytest.raises(BrokerUnavailable):
        publish_pending(unreachable, wait=True)

    unreachable.close()
    assert pending() == 1


def test_pending_messages_are_published_oldest_first_up_to_the_limit(
    broker: Broker, publisher: Publisher
) -> None:
    for number in range(5):
        add(number)

    assert publish_pending(publisher, wait=True, limit=3) == 3
    assert numbers(broker) == [0, 1, 2]
    assert publish_pending(publisher, wait=True) == 2
    assert publish_pending(publisher, wait=True) == 0
    assert numbers(broker) == [3, 4]


def test_old_published_messages_are_pruned_and_pending_ones_are_not(publisher: Publisher) -> None:
    OutboxMessage.objects.all().delete()
    for _ in range(3):
        add()
    oldest, newer, _ = OutboxMessage.objects.order_by("pk")
    now = timezone.now()
    OutboxMessage.objects.filter(pk=oldest.pk).update(published_at=now - timedelta(hours=25))
    OutboxMessage.objects.filter(pk=newer.pk).update(published_at=now - timedelta(hours=23))

    assert prune_published(older_than=timedelta(hours=24)) == 1

    assert not OutboxMessage.objects.filter(pk=oldest.pk).exists()
    assert OutboxMessage.objects.count() == 2
