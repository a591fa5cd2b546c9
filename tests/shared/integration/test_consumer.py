"""`Consumer` on a real broker: acknowledged, kept and dead-lettered messages, and outages."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace

import pika
import pytest
from pika.exceptions import UnroutableError
from prometheus_client import REGISTRY

from shared.messaging import consumer
from shared.messaging.errors import BadMessage, HandlerUnavailable, TopologyMismatch
from shared.messaging.incoming import IncomingMessage
from shared.messaging.topology import EVENTS_QUEUE, Queue
from shared.observability.logs import Origin
from tests.support.broker import Broker
from tests.support.consumer import Handler, Running, one_by_one, unacknowledged, wait_for
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import BRIEF_SECONDS, until


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def running(proxy: TcpProxy, broker: Broker, handler: Handler) -> Iterator[Running]:
    running = Running(proxy.url(broker.url), handler)
    yield running
    handler.away = False
    handler.held.set()
    proxy.mend()
    running.stop()


def test_messages_are_handled_in_order_and_removed(
    broker: Broker, handler: Handler, running: Running
) -> None:
    for number in range(50):
        broker.publish(b"%d" % number, message_id=f"id-{number}", routing_key="event.updated")

    wait_for(handler, *(b"%d" % number for number in range(50)))
    assert handler.messages[7].message_id == "id-7"
    assert handler.messages[7].routing_key == "event.updated"
    assert unacknowledged(broker, running) == 0


def test_a_message_is_handled_under_the_id_of_the_request_that_caused_it(
    broker: Broker, handler: Handler, running: Running
) -> None:
    for body, given in ((b"1", "order-7.a"), (b"2", 7), (b"3", "a\nb"), (b"4", "order-8")):
        broker.publish(body, headers={"x-request-id": given})

    wait_for(handler, b"1", b"2", b"3", b"4")

    first, second, third, last = handler.request_ids
    assert (first, last) == ("order-7.a", "order-8")
    assert len({second, third}) == 2, "one that logs can't hold is replaced"
    assert {len(second), len(third)} == {32}


def test_what_is_logged_about_a_message_has_its_request_id(
    broker: Broker, handler: Handler, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(Origin())
    broker.publish(b"bad one", headers={"x-request-id": "order-7"})

    broker.wait_for_message(broker.dead_letter_queue)

    assert ("order-7", "message m is dead: cannot read bad one") in {
        (record.request_id, record.getMessage())  # type: ignore[attr-defined]
        for record in caplog.records
    }


def test_a_message_is_acknowledged_only_when_its_handler_has_returned(
    broker: Broker, handler: Handler, proxy: TcpProxy, running: Running
) -> None:
    handler.held.clear()
    broker.publish(b"1")
    until(lambda: handler.attempts, "message in hand")

    proxy.cut_connections()
    handler.held.set()

    until(lambda: len(handler.done) == 2, "the same message again")
    assert handler.done == [b"1", b"1"], "at least once"


def test_a_bad_message_becomes_a_dead_letter_with_its_reason_and_later_ones_flow_on(
    broker: Broker, handler: Handler, running: Running
) -> None:
    broker.publish(b"1")
    broker.publish(b"bad one", message_id="the bad one")
    broker.publish(b"2")

    wait_for(handler, b"1", b"2")
    dead = broker.wait_for_message(broker.dead_letter_queue)
    assert dead.body == b"bad one"
    assert dead.properties.headers["x-reason"] == "cannot read bad one"
    assert dead.properties.headers["traceparent"] == "kept", "its own headers stay"
    assert dead.properties.message_id == "the bad one"
    assert dead.properties.delivery_mode == 2
    assert unacknowledged(broker, running) == 0
    assert broker.size(broker.dead_letter_queue) == 0, "once"


def measured(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"queue": EVENTS_QUEUE.name})


def test_what_waits_and_what_is_dead_is_measured(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_LOOK_SECONDS", 0.0)
    waited = []

    def handle(message: IncomingMessage) -> None:
        waited.append(measured("consumer_queue_messages"))
        if message.body == b"bad":
            raise BadMessage("cannot read it")

    for body in (b"1", b"bad", b"2", b"3", b"4", b"5"):
        broker.publish(body)
    running = Running(broker.url, one_by_one(handle))
    try:
        until(lambda: len(waited) == 6, "all messages")
        until(lambda: measured("consumer_dead_letters") == 1, "dead letter")
        until(lambda: measured("consumer_queue_messages") == 0, "empty queue")
    finally:
        running.stop()
    assert max(waited[1:]) >= 3


def test_a_reason_of_any_length_fits_into_the_header(
    broker: Broker, handler: Handler, running: Running
) -> None:
    broker.publish(b"bad" + "ไ".encode() * 200_000)

    dead = broker.wait_for_message(broker.dead_letter_queue)

    assert dead.properties.headers["x-reason"].startswith("cannot read bad")


def test_while_the_handler_cannot_work_messages_wait_in_their_order(
    broker: Broker, handler: Handler, running: Running
) -> None:
    handler.away = True
    broker.publish(b"1")
    broker.publish(b"2")
    until(lambda: len(handler.attempts) >= 3, "a third attempt")
    assert set(handler.attempts) == {b"1"}, "the second waits behind the first"
    assert running.is_alive

    handler.away = False

    wait_for(handler, b"1", b"2")
    assert unacknowledged(broker, running) == 0
    assert broker.size(broker.dead_letter_queue) == 0


def test_stopping_while_the_handler_cannot_work_keeps_the_message(
    broker: Broker, handler: Handler, running: Running
) -> None:
    handler.away = True
    broker.publish(b"1")
    until(lambda: len(handler.attempts) >= 2, "a second attempt")

    assert unacknowledged(broker, running) == 1
    assert running.error is None


def test_stopping_finishes_the_current_message_and_takes_no_other(
    broker: Broker, handler: Handler, running: Running
) -> None:
    handler.held.clear()
    broker.publish(b"1")
    broker.publish(b"2")
    until(lambda: handler.attempts, "message in hand")

    running.consumer.stop()
    handler.held.set()
    running.join()

    assert handler.attempts == handler.done == [b"1"]
    assert [message.body for message in broker.take_all()] == [b"2"]


def test_a_message_that_ends_the_process_affects_no_other(broker: Broker, handler: Handler) -> None:
    """A crash counts as a delivery for all that is prefetched, so no other may be."""
    broker.publish(b"crash")
    broker.publish(b"innocent")
    until(lambda: broker.size() == 2, "both messages")
    running = Running(broker.url, handler)
    running.join()
    until(lambda: broker.size() == 2, "both messages back")

    # On a first delivery RabbitMQ 4.0 leaves the header out; older ones say 0.
    counts = {
        message.body: (message.properties.headers or {}).get("x-delivery-count", 0)
        for message in broker.take_all()
    }
    assert counts == {b"crash": 1, b"innocent": 0}


def test_background_work_is_done_between_messages_and_while_idle(
    broker: Broker, handler: Handler
) -> None:
    pieces = [True, True, True]
    used: list[int] = []

    def piece() -> bool:
        used.append(len(handler.done))
        return pieces.pop() if pieces else False

    running = Running(broker.url, handler, background_work=piece)
    until(lambda: len(used) >= 5, "background work without a message")
    broker.publish(b"1")
    wait_for(handler, b"1")
    until(lambda: used[-1] == 1, "background work after the message")
    running.stop()
    assert running.error is None


def test_background_work_that_cannot_be_done_now_is_tried_again(
    broker: Broker, handler: Handler
) -> None:
    attempts: list[int] = []

    def piece() -> bool:
        attempts.append(1)
        if len(attempts) < 3:
            raise HandlerUnavailable("the database is away")
        return False

    broker.publish(b"1")
    running = Running(broker.url, handler, background_work=piece)

    until(lambda: len(attempts) >= 4, "attempts that went on")
    wait_for(handler, b"1")
    running.stop()
    assert running.error is None


def test_stopping_an_idle_consumer_ends_it(running: Running) -> None:
    running.stop()

    assert running.error is None


def test_a_consumer_whose_queue_is_deleted_declares_it_again_and_continues(
    broker: Broker, handler: Handler, running: Running
) -> None:
    broker.publish(b"1")
    wait_for(handler, b"1")

    broker.delete_queues()
    until(lambda: routed(broker, b"2"), "a queue declared again")

    wait_for(handler, b"1", b"2")


def routed(broker: Broker, body: bytes) -> bool:
    """Whether a queue took it: the queue and its binding are declared one after the other."""
    try:
        broker.publish(body)
    except UnroutableError:
        return False
    return True


def test_a_killed_connection_is_opened_again(
    broker: Broker, handler: Handler, proxy: TcpProxy, running: Running
) -> None:
    broker.publish(b"1")
    wait_for(handler, b"1")
    proxy.cut_connections()
    broker.publish(b"2")

    until(lambda: b"2" in handler.done, "message after the reconnect")
    assert proxy.accepted >= 2


def test_a_broker_away_at_the_start_and_later_is_waited_for(
    broker: Broker, handler: Handler, proxy: TcpProxy
) -> None:
    proxy.cut()
    running = Running(proxy.url(broker.url), handler)
    broker.publish(b"1")
    proxy.mend()
    until(lambda: handler.done, "first message")
    proxy.cut()
    broker.publish(b"2")
    proxy.mend()

    until(lambda: b"2" in handler.done, "message after the outage")
    running.stop()


def test_a_broker_that_hangs_while_it_starts_is_waited_for(
    broker: Broker, handler: Handler, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.freeze()
    with monkeypatch.context() as hasty:
        hasty.setattr(consumer, "_CONNECT_SECONDS", BRIEF_SECONDS)
        running = Running(proxy.url(broker.url), handler)
        until(lambda: proxy.accepted >= 2, "a second attempt")
    proxy.mend()
    broker.publish(b"1")

    until(lambda: handler.done, "message after the start")
    running.stop()


def test_a_consumer_can_be_stopped_while_the_broker_is_away(
    broker: Broker, handler: Handler, proxy: TcpProxy
) -> None:
    proxy.cut()
    running = Running(proxy.url(broker.url), handler)

    running.stop()

    assert running.error is None


def test_a_message_that_ends_every_run_is_dead_lettered_in_the_end(
    broker: Broker, handler: Handler
) -> None:
    broker.publish(b"crash")
    runs = 0
    while not broker.size(broker.dead_letter_queue):
        runs += 1
        assert runs <= EVENTS_QUEUE.delivery_limit + 2
        before = len(handler.attempts)
        running = Running(broker.url, handler)
        while running.is_alive and not broker.size(broker.dead_letter_queue):
            time.sleep(0.01)
        assert len(handler.attempts) - before <= 1, "one delivery ends one run"
        running.stop()

    dead = broker.wait_for_message(broker.dead_letter_queue)
    assert dead.body == b"crash"
    assert dead.properties.headers["x-first-death-reason"] == "delivery_limit"


class TestAHandlerThatFailsUnexpectedly:
    def test_costs_its_message_three_tries_and_later_ones_nothing(
        self, broker: Broker, handler: Handler, running: Running, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR, logger="shared.messaging.consumer"):
            broker.publish(b"bug", message_id="the bug")
            broker.publish(b"2")
            wait_for(handler, b"2")

        assert handler.attempts == [b"bug"] * 3 + [b"2"]
        dead = broker.wait_for_message(broker.dead_letter_queue)
        assert dead.properties.message_id == "the bug"
        assert dead.properties.headers["x-reason"] == (
            "its handler failed: ZeroDivisionError: amqp://host divided by zero\\nforged line"
        ), "without the password, on one line"
        tracebacks = [record for record in caplog.records if record.exc_info]
        assert len(tracebacks) == 3, "each try, with the traceback"
        assert running.is_alive
        assert unacknowledged(broker, running) == 0

    @pytest.mark.parametrize("error", [MemoryError, RecursionError, UnicodeError, TimeoutError])
    def test_may_raise_any_exception(
        self, broker: Broker, error: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer, "_PAUSES", (0.01, 0.01))

        def fail(message: IncomingMessage) -> None:
            raise error

        running = Running(broker.url, one_by_one(fail))
        broker.publish(b"1")
        dead = broker.wait_for_message(broker.dead_letter_queue)

        assert dead.properties.headers["x-reason"] == f"its handler failed: {error.__name__}"
        running.stop()
        assert running.error is None

    def test_and_finally_succeeds_has_lost_nothing(self, broker: Broker) -> None:
        attempts: list[bytes] = []

        def fail_twice(message: IncomingMessage) -> None:
            attempts.append(message.body)
            if len(attempts) < 3:
                raise KeyError("missing")

        running = Running(broker.url, one_by_one(fail_twice))
        broker.publish(b"1")
        until(lambda: len(attempts) == 3, "a third attempt")

        assert unacknowledged(broker, running) == 0
        assert broker.size(broker.dead_letter_queue) == 0

    def test_in_background_work_stops_no_message(
        self, broker: Broker, handler: Handler, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> bool:
            raise ZeroDivisionError

        running = Running(broker.url, handler, background_work=fail)
        broker.publish(b"1")

        wait_for(handler, b"1")
        running.stop()
        assert running.error is None
        assert "background work failed" in caplog.text


class TestAMessageThatIsTriedLater:
    # Another queue, because an existing one keeps its time to live.
    queue = replace(EVENTS_QUEUE, name="tests.retries", retry_seconds=1, most_retries=2)

    @pytest.fixture
    def queue_of_its_own(self, broker: Broker) -> Iterator[Queue]:
        names = self.queue.name, self.queue.retry_queue, self.queue.dead_letter_queue
        arguments = (
            self.queue.arguments,
            self.queue.retry_arguments,
            self.queue.dead_letter_arguments,
        )
        for name, each in zip(names, arguments, strict=True):
            broker.channel.queue_declare(name, durable=True, arguments=each)
        yield self.queue
        for name in names:
            broker.channel.queue_delete(name)

    def test_lets_others_pass_comes_back_and_is_dead_in_the_end(
        self, broker: Broker, handler: Handler, queue_of_its_own: Queue
    ) -> None:
        running = Running(broker.url, handler, queue=queue_of_its_own)
        for body in (b"later", b"1", b"2"):
            broker.channel.basic_publish(
                "", queue_of_its_own.name, body, pika.BasicProperties(message_id="m", type="t")
            )

        dead = broker.wait_for_message(queue_of_its_own.dead_letter_queue)
        running.stop()

        assert handler.done == [b"1", b"2"], "they did not wait"
        assert handler.attempts.count(b"later") == 3
        assert dead.body == b"later"
        assert dead.properties.headers["x-reason"] == "451 not now (tried 3 times)"
        assert broker.size(queue_of_its_own.name) == 0

    def test_is_not_lost_while_it_waits(
        self, broker: Broker, handler: Handler, running: Running
    ) -> None:
        broker.publish(b"later", message_id="late")

        waiting = broker.wait_for_message(EVENTS_QUEUE.retry_queue)

        assert waiting.properties.message_id == "late"
        assert waiting.properties.delivery_mode == 2
        assert waiting.properties.headers["x-retries"] == 1
        assert unacknowledged(broker, running) == 0


def test_a_queue_with_other_arguments_ends_the_run_with_the_reason(
    broker: Broker, handler: Handler
) -> None:
    broker.delete_queues()
    broker.channel.queue_declare(broker.queue, durable=True)

    running = Running(broker.url, handler)
    running.join()

    assert isinstance(running.error, TopologyMismatch)
