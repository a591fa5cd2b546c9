"""`Publisher`: confirmed, routed, in order, and within its timeout."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.messaging.errors import (
    BrokerUnavailable,
    NotPublished,
    TopologyMismatch,
    Unpublishable,
    Unroutable,
)
from shared.messaging.publisher import OutgoingMessage, Publisher
from tests.support.broker import Broker
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS, until

SHORT_TIMEOUT = 1.5


def message(
    number: int = 0, routing_key: str = "event.created", exchange: str = "events"
) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=f"id-{number}",
        exchange=exchange,
        routing_key=routing_key,
        headers={"traceparent": "kept"},
        body=b"%d" % number,
        created_at=datetime(2026, 2, 20, 10, 0, 0, 999_999, tzinfo=UTC),
    )


@pytest.fixture
def publisher(proxy: TcpProxy, broker: Broker) -> Iterator[Publisher]:
    publisher = Publisher(proxy.url(broker.url), timeout=PATIENCE_SECONDS)
    yield publisher
    proxy.mend()
    publisher.close()


@pytest.fixture
def hasty(proxy: TcpProxy, broker: Broker) -> Iterator[Publisher]:
    """Does not wait long for a broker that hangs."""
    publisher = Publisher(proxy.url(broker.url), timeout=SHORT_TIMEOUT)
    yield publisher
    proxy.mend()
    publisher.close()


def publish(publisher: Publisher, number: int) -> NotPublished | None:
    (failure,) = publisher.publish([message(number)])
    return failure


def connect(publisher: Publisher) -> None:
    """Opening takes longer than publishing may, on a busy machine."""
    until(lambda: publish(publisher, 0) is None, "a publisher that works")


def bodies(broker: Broker) -> list[bytes]:
    return [each.body for each in broker.take_all()]


def test_a_batch_arrives_in_order_with_its_properties(publisher: Publisher, broker: Broker) -> None:
    connect(publisher)
    broker.take_all()

    assert publisher.publish([message(number) for number in range(300)]) == [None] * 300

    found = broker.take_all()
    assert [each.body for each in found] == [b"%d" % number for number in range(300)]
    first = found[0]
    assert first.routing_key == first.properties.type == "event.created"
    assert first.properties.message_id == "id-0"
    assert first.properties.content_type == "application/json"
    assert first.properties.content_encoding == "utf-8"
    assert first.properties.delivery_mode == 2
    assert first.properties.timestamp == 1771581600
    assert first.properties.headers["traceparent"] == "kept"


def test_one_connection_serves_all_calls(publisher: Publisher, proxy: TcpProxy) -> None:
    connect(publisher)
    for number in range(5):
        assert publish(publisher, number) is None

    assert proxy.accepted == 1


def test_a_message_that_no_queue_takes_is_identified_in_its_batch(
    publisher: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    connect(publisher)
    broker.take_all()

    outcomes = publisher.publish([message(1), message(2, "other.thing"), message(3)])

    assert [type(outcome) for outcome in outcomes] == [type(None), Unroutable, type(None)]
    assert "other.thing" in str(outcomes[1])
    assert bodies(broker) == [b"1", b"3"]
    assert publish(publisher, 4) is None
    assert proxy.accepted == 1, "the connection is kept"


UNENCODABLE = {
    "a key of more than 255 bytes": {"routing_key": "ไ" * 255},
    "a header of a type that AMQP lacks": {"headers": {"x": 1.5}},
    "a header beyond 64 bits": {"headers": {"x": 2**70}},
    "a lone surrogate": {"headers": {"x": "\ud800"}},
    "a header's name that is too long": {"headers": {"x" * 300: "y"}},
}


@pytest.mark.parametrize("odd", UNENCODABLE.values(), ids=UNENCODABLE.keys())
def test_a_message_that_amqp_cannot_encode_is_identified_in_its_batch(
    odd: dict[str, Any], publisher: Publisher, broker: Broker, proxy: TcpProxy
) -> None:
    connect(publisher)
    broker.take_all()

    outcomes = publisher.publish([message(1), replace(message(2), **odd), message(3)])

    assert [type(outcome) for outcome in outcomes] == [type(None), Unpublishable, type(None)]
    assert bodies(broker) == [b"1", b"3"]
    assert publish(publisher, 4) is None
    assert proxy.accepted == 1, "the connection is kept"


REFUSED = {
    "an exchange that isn't there": {"exchange": "nowhere"},
    "headers larger than a frame": {"headers": {"x": "y" * 200_000}},
    "a body above the broker's limit": {"body": b"x" * 135_000_000},
}


@pytest.mark.parametrize("odd", REFUSED.values(), ids=REFUSED.keys())
def test_a_message_that_the_broker_refuses_is_identified_in_its_batch(
    odd: dict[str, Any], publisher: Publisher, broker: Broker
) -> None:
    connect(publisher)
    broker.take_all()
    left = [message(1), replace(message(2), **odd), message(3)]
    refused: list[OutgoingMessage] = []

    def publish_what_is_left() -> bool:
        outcomes = publisher.publish(left)
        assert not any(isinstance(outcome, TopologyMismatch) for outcome in outcomes)
        outcomes_of = dict(zip([each.message_id for each in left], outcomes, strict=True))
        refused.extend(
            each for each in left if isinstance(outcomes_of[each.message_id], Unpublishable)
        )
        left[:] = [
            each for each in left if isinstance(outcomes_of[each.message_id], BrokerUnavailable)
        ]
        return not left

    until(publish_what_is_left, "an outcome for each of them", seconds=60)

    assert [each.message_id for each in refused] == ["id-2"]
    assert {b"1", b"3"} == set(bodies(broker))
    assert publisher.publish([message(4), message(5)]) == [None, None]


def test_a_deleted_exchange_is_not_the_fault_of_a_message(
    publisher: Publisher, broker: Broker
) -> None:
    connect(publisher)
    broker.channel.exchange_delete("bookings")
    outcomes: list[NotPublished | None] = []

    def published() -> bool:
        outcomes.extend(publisher.publish([message(1, "booking.confirmed", "bookings")]))
        return outcomes[-1] is None

    until(published, "an exchange that was declared again", seconds=60)

    assert not any(isinstance(outcome, Unpublishable) for outcome in outcomes)


def test_a_failure_in_the_links_own_thread_is_not_its_end(
    publisher: Publisher, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(publisher)
    assert publisher._link is not None

    def fail() -> None:
        raise ZeroDivisionError

    publisher._link.call(fail)

    until(lambda: publish(publisher, 1) is not None, "a link that noticed")
    until(lambda: publish(publisher, 2) is None, "a link that opened again")


def test_an_optional_message_is_published_without_a_queue(publisher: Publisher) -> None:
    connect(publisher)

    assert publisher.publish([message(1, "booking.confirmed", "bookings")]) == [None]


def test_a_queue_that_was_deleted_is_declared_again(publisher: Publisher, broker: Broker) -> None:
    connect(publisher)
    broker.delete_queues()

    assert isinstance(publish(publisher, 1), Unroutable)

    until(lambda: publish(publisher, 2) is None, "a queue that takes the message")
    assert broker.wait_for_message().body == b"2"


def test_a_full_queue_that_refuses_is_not_a_success(publisher: Publisher, broker: Broker) -> None:
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    broker.channel.queue_declare("tests.full", exclusive=True, arguments=arguments)
    broker.channel.queue_bind("tests.full", "events", "full")
    connect(publisher)

    outcomes = publisher.publish([message(number, "full") for number in range(20)])

    assert any(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)
    broker.channel.queue_delete("tests.full")


def test_a_broker_that_freezes_costs_the_timeout_once_and_then_nothing(
    hasty: Publisher, proxy: TcpProxy
) -> None:
    connect(hasty)
    proxy.freeze()
    began = time.monotonic()

    assert isinstance(publish(hasty, 1), BrokerUnavailable)
    assert time.monotonic() - began >= SHORT_TIMEOUT * 0.9
    for number in range(100):
        began = time.monotonic()
        assert isinstance(publish(hasty, number), BrokerUnavailable)
        assert time.monotonic() - began < SHORT_TIMEOUT, "the others do not wait"


def test_a_broker_frozen_from_the_start_is_unavailable(hasty: Publisher, proxy: TcpProxy) -> None:
    proxy.freeze()

    assert isinstance(publish(hasty, 1), BrokerUnavailable)
    began = time.monotonic()
    assert isinstance(publish(hasty, 1), BrokerUnavailable)
    assert time.monotonic() - began < SHORT_TIMEOUT, "the second does not wait"
    proxy.mend()

    until(lambda: publish(hasty, 2) is None, "a publisher that works again")


def test_after_a_freeze_it_publishes_again_on_the_same_connection(
    hasty: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    connect(hasty)
    proxy.freeze()
    assert publish(hasty, 1) is not None
    proxy.mend()

    until(lambda: publish(hasty, 2) is None, "a publisher that works again")

    assert {b"1", b"2"} <= set(bodies(broker)), "what was overdue arrived, too"
    assert proxy.accepted == 1


def test_the_publisher_reconnects_to_a_broker_that_is_back(
    publisher: Publisher, proxy: TcpProxy, broker: Broker
) -> None:
    connect(publisher)
    proxy.cut()
    until(lambda: publish(publisher, 1) is not None, "a failure")
    proxy.mend()

    until(lambda: publish(publisher, 2) is None, "a publisher that works again")
    assert b"2" in bodies(broker)


def test_each_caller_gets_its_own_exception_in_an_outage(
    publisher: Publisher, proxy: TcpProxy
) -> None:
    """An exception that is raised repeatedly keeps the frames of all its callers alive."""
    connect(publisher)
    proxy.cut()
    until(lambda: publish(publisher, 1) is not None, "a failure")

    assert publish(publisher, 2) is not publish(publisher, 3)


def test_a_queue_with_other_arguments_is_reported_with_a_way_out(broker: Broker) -> None:
    broker.delete_queues()
    broker.channel.queue_declare(broker.queue, durable=True)
    publisher = Publisher(broker.url, timeout=PATIENCE_SECONDS)

    outcome = publish(publisher, 1)

    assert isinstance(outcome, TopologyMismatch)
    assert "delete it" in str(outcome)
    broker.delete_queues()
    until(lambda: publish(publisher, 2) is None, "a publisher that works")
    publisher.close()


def test_closing_ends_the_connection(proxy: TcpProxy, broker: Broker) -> None:
    publisher = Publisher(proxy.url(broker.url), timeout=PATIENCE_SECONDS)
    connect(publisher)

    publisher.close()

    until(lambda: not proxy._sockets, "end of the connection")


def test_closing_is_possible_while_the_broker_is_away(proxy: TcpProxy, broker: Broker) -> None:
    proxy.cut()
    publisher = Publisher(proxy.url(broker.url), timeout=PATIENCE_SECONDS)
    assert publish(publisher, 1) is not None

    publisher.close()

    assert publisher._link is not None
    assert not publisher._link._thread.is_alive()
