"""The topology that each connection declares."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from shared.messaging.connection import open_channel
from shared.messaging.errors import BrokerUnavailable, TopologyMismatch
from shared.messaging.topology import EVENTS_QUEUE, declare
from tests.support.broker import Broker
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS, until


def opened(url: str) -> BlockingChannel:
    return open_channel(url, timeout=PATIENCE_SECONDS)


def test_names_are_those_of_the_contract(broker: Broker) -> None:
    assert EVENTS_QUEUE.name == "booking-service.events"
    assert EVENTS_QUEUE.exchange == "events"
    broker.channel.exchange_declare("events", exchange_type="topic", durable=True, passive=True)


@pytest.mark.parametrize("routing_key", ["event.created", "event.updated", "event.cancelled"])
def test_every_kind_of_event_message_reaches_the_queue(broker: Broker, routing_key: str) -> None:
    broker.publish(b"{}", routing_key=routing_key)

    message = broker.take()
    assert message is not None
    assert message.routing_key == routing_key


def test_a_dead_letter_survives_any_number_of_reads(broker: Broker) -> None:
    """RabbitMQ 4 drops a message after 20 deliveries unless the queue says otherwise."""
    broker.channel.basic_publish("", broker.dead_letter_queue, b"dead", mandatory=True)

    for _ in range(30):
        method, _, _ = until(
            lambda: (
                answer
                if (answer := broker.channel.basic_get(broker.dead_letter_queue))[0]
                else None
            ),
            "the dead letter",
        )
        broker.channel.basic_nack(method.delivery_tag, requeue=True)

    assert broker.wait_for_message(broker.dead_letter_queue).body == b"dead"


def test_declaring_again_changes_and_loses_nothing(broker: Broker) -> None:
    broker.publish(b"kept")

    declare(broker.channel)
    opened(broker.url).connection.close()

    message = broker.take()
    assert message is not None
    assert message.body == b"kept"


def test_opening_a_connection_declares_what_is_missing(broker: Broker) -> None:
    broker.delete_queues()

    opened(broker.url).connection.close()

    assert broker.size(broker.queue) == broker.size(broker.dead_letter_queue) == 0


def test_exchange_and_queues_survive_a_restart_of_the_broker(broker: Broker) -> None:
    """Durable: declaring any of them as not durable must be refused."""
    attempts: list[Callable[[BlockingChannel], object]] = [
        lambda channel: channel.exchange_declare("events", exchange_type="topic"),
        lambda channel: channel.exchange_declare("bookings", exchange_type="topic"),
        lambda channel: channel.queue_declare(broker.queue),
        lambda channel: channel.queue_declare(broker.dead_letter_queue),
    ]
    for declare_transient in attempts:
        channel = broker.channel.connection.channel()
        with pytest.raises(ChannelClosedByBroker) as refusal:
            declare_transient(channel)
        assert refusal.value.reply_code == 406


def test_a_queue_with_other_arguments_is_reported_with_a_way_out(broker: Broker) -> None:
    broker.delete_queues()
    broker.channel.queue_declare(broker.queue, durable=True)

    with pytest.raises(TopologyMismatch, match=r"booking-service\.events.*delete it"):
        opened(broker.url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("amqp://guest:guest@127.0.0.1:1/", id="nobody listens"),
        pytest.param("amqp://guest:guest@no-such-host.invalid/", id="no such host"),
    ],
)
def test_a_broker_that_cannot_be_reached_is_unavailable(url: str) -> None:
    with pytest.raises(BrokerUnavailable):
        opened(url)


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{parts.username}:{password}@{host}").geturl()


def test_a_wrong_password_is_reported_as_unavailable(broker: Broker) -> None:
    with pytest.raises(BrokerUnavailable, match=r"(?i)auth"):
        opened(with_password(broker.url, "wrong"))


def test_a_silent_broker_is_given_up_in_time(proxy: TcpProxy, broker: Broker) -> None:
    proxy.freeze()

    with pytest.raises(BrokerUnavailable):
        open_channel(proxy.url(broker.url), timeout=BRIEF_SECONDS)
