"""`Publisher`: confirmed, routed, and never longer than it was told."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import OutgoingMessage, Publisher
from tests.shared.broker import Broker
from tests.shared.tcp_proxy import TcpProxy
from tests.shared.waiting import until

TIMEOUT = 0.5


def message(number: int = 0, routing_key: str = "event.created") -> OutgoingMessage:
    return OutgoingMessage(
        message_id=f"id-{number}",
        exchange="events",
        routing_key=routing_key,
        body=b"%d" % number,
        created_at=datetime(2026, 2, 20, 10, 0, 0, 999_999, tzinfo=UTC),
    )


@pytest.fixture
def publisher(proxy: TcpProxy, broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(proxy.url(broker.url), timeout=TIMEOUT)
    yield publisher
    proxy.mend()
    until(lambda: not publisher._stuck, "end of the earlier attempt")
    publisher.close()


def publishes(publisher: Publisher, number: int) -> bool:
    try:
        publisher.publish(message(number))
    except BrokerUnavailable:
        return False
    return True


def test_messages_arrive_in_order_with_their_properties(
    publisher: Publisher, broker: Broker
) -> None:
    for number in range(3):
        publisher.publish(message(number))

    found = broker.take_all()
    assert [each.body for each in found] == [b"0", b"1", b"2"]
    first = found[0]
    assert first.routing_key == first.properties.type == "event.created"
    assert first.properties.message_id == "id-0"
    assert first.properties.content_type == "application/json"
    assert first.properties.content_encoding == "utf-8"
    assert first.properties.delivery_mode == 2
    assert first.properties.timestamp == 1771581600


def test_one_connection_serves_all_calls(publisher: Publisher, proxy: TcpProxy) -> None:
    for number in range(5):
        publisher.publish(message(number))

    assert proxy.accepted == 1


def test_a_message_that_no_queue_takes_is_refused_and_the_connection_kept(
    publisher: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    with pytest.raises(Unroutable, match=r"other\.thing"):
        publisher.publish(message(routing_key="other.thing"))

    publisher.publish(message(1))
    assert [each.body for each in broker.take_all()] == [b"1"]
    assert proxy.accepted == 1


def test_a_full_queue_that_refuses_is_no_success(publisher: Publisher, broker: Broker) -> None:
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    broker.channel.queue_declare("tests.full", exclusive=True, arguments=arguments)
    broker.channel.queue_bind("tests.full", "events", "full")
    publisher_of_full = message(routing_key="full")

    def publish_more_than_fits() -> None:
        for _ in range(20):
            publisher.publish(publisher_of_full)

    with pytest.raises(BrokerUnavailable):
        publish_more_than_fits()

    broker.channel.queue_delete("tests.full")


def test_a_broker_that_freezes_costs_the_timeout_once_and_then_nothing(
    publisher: Publisher, proxy: TcpProxy
) -> None:
    publisher.publish(message(0))
    proxy.freeze()
    began = time.monotonic()

    with pytest.raises(BrokerUnavailable, match="no confirm within"):
        publisher.publish(message(1))
    assert TIMEOUT * 0.9 < time.monotonic() - began < TIMEOUT * 2
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match="earlier confirm"):
        publisher.publish(message(2))
    assert time.monotonic() - began < TIMEOUT / 2


def test_a_broker_frozen_from_the_start_is_unavailable(
    publisher: Publisher, proxy: TcpProxy
) -> None:
    proxy.freeze()

    for number in range(3):
        assert not publishes(publisher, number)
        until(lambda: not publisher._stuck, "end of the attempt")


def test_after_a_freeze_it_publishes_again(
    publisher: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    publisher.publish(message(0))
    proxy.freeze()
    assert not publishes(publisher, 1)
    proxy.mend()

    until(lambda: publishes(publisher, 2), "a publisher that works again")

    assert {each.body for each in broker.take_all()} >= {b"0", b"2"}


def test_a_broker_that_comes_back_is_found_again(
    publisher: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    publisher.publish(message(0))
    proxy.cut()
    assert not publishes(publisher, 1)
    proxy.mend()

    assert publishes(publisher, 2)
    assert [each.body for each in broker.take_all()] == [b"0", b"2"]


def test_closing_ends_the_connection(proxy: TcpProxy, broker: Broker) -> None:
    publisher = Publisher(proxy.url(broker.url), timeout=5)
    publisher.publish(message(0))

    publisher.close()

    until(lambda: not proxy._sockets, "end of the connection")
