"""`Consumer` with several messages in hand: each has its own outcome."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pika
import pytest

from shared.messaging import consumer
from shared.messaging.errors import BadMessage, HandleAlone, HandlerUnavailable, TryLater
from shared.messaging.incoming import Failures, IncomingMessage
from shared.messaging.topology import EVENTS_QUEUE
from tests.support.broker import Broker
from tests.support.consumer import Running, unacknowledged
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS, until

BATCH = 10


class Handler:
    """Records its batches. `fail` decides the outcome of a message."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.raising: Callable[[list[bytes]], Exception | None] = lambda _: None
        self.fail: Callable[[bytes], Exception | None] = lambda _: None
        self.held = threading.Event()
        self.held.set()

    def __call__(self, messages: Sequence[IncomingMessage]) -> Failures:
        bodies = [message.body for message in messages]
        self.batches.append(bodies)
        assert self.held.wait(PATIENCE_SECONDS)
        if b"crash" in bodies:
            raise SystemExit(1)
        if (error := self.raising(bodies)) is not None:
            raise error
        failures = {message: self.fail(message.body) for message in messages}
        return {message: error for message, error in failures.items() if error is not None}

    @property
    def attempts(self) -> list[bytes]:
        return [body for batch in self.batches for body in batch]

    def is_done(self, *bodies: bytes) -> bool:
        return set(bodies) <= set(self.attempts)

    def has_done_without(self, bad: bytes, body: bytes) -> bool:
        """A batch that has a bad message fails, and then each of its messages is tried alone."""
        return any(body in batch and bad not in batch for batch in self.batches)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def running(proxy: TcpProxy, broker: Broker, handler: Handler) -> Iterator[Running]:
    running = Running(proxy.url(broker.url), handler, batch_size=BATCH)
    yield running
    handler.held.set()
    proxy.mend()
    running.stop()
    assert running.error is None


def publish_while_held(broker: Broker, handler: Handler, *bodies: bytes) -> None:
    """So that they wait together: `first` keeps the handler busy until they are in the queue."""
    handler.held.clear()
    broker.publish(b"first")
    until(lambda: handler.attempts, "a message in hand")
    for body in bodies:
        broker.publish(body)
    handler.held.set()


def bodies(count: int) -> list[bytes]:
    return [b"%02d" % number for number in range(count)]


def test_messages_that_wait_are_handled_together_in_their_order(
    broker: Broker, handler: Handler, running: Running
) -> None:
    publish_while_held(broker, handler, *bodies(35))

    until(lambda: handler.is_done(b"34"), "last message")
    assert handler.attempts == [b"first", *bodies(35)]
    assert max(map(len, handler.batches)) == BATCH
    assert unacknowledged(broker, running) == 0


def test_a_batch_is_acknowledged_only_when_its_handler_has_returned(
    broker: Broker, handler: Handler, proxy: TcpProxy, running: Running
) -> None:
    publish_while_held(broker, handler, *bodies(5))
    until(lambda: handler.is_done(b"04"), "last message")
    handler.held.clear()
    broker.publish(b"held")
    until(lambda: handler.is_done(b"held"), "message in hand")

    proxy.cut_connections()
    handler.held.set()

    until(lambda: handler.attempts.count(b"held") == 2, "the same message again")
    assert handler.attempts.count(b"04") == 1, "it was acknowledged before"
    assert unacknowledged(broker, running) == 0


def test_each_message_of_a_batch_has_its_own_outcome(
    broker: Broker, handler: Handler, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_PAUSES", (0.01, 0.01))
    failures = {b"01": BadMessage("unreadable"), b"03": TryLater("held"), b"05": ValueError("bug")}
    handler.fail = failures.get
    publish_while_held(broker, handler, *bodies(8))

    until(lambda: broker.size(EVENTS_QUEUE.retry_queue) == 1, "the one to be tried later")
    until(lambda: broker.size(broker.dead_letter_queue) == 2, "the dead letters")
    until(lambda: handler.is_done(b"07"), "last message")

    assert unacknowledged(broker, running) == 0
    dead = {
        message.body: message.properties.headers["x-reason"]
        for message in broker.take_all(broker.dead_letter_queue)
    }
    assert dead == {b"01": "unreadable", b"05": "its handler failed: ValueError: bug"}
    assert handler.attempts.count(b"05") >= 3
    assert handler.attempts.count(b"07") == 1, "those behind it were done"


def test_a_message_that_is_to_be_handled_alone_is(
    broker: Broker, handler: Handler, running: Running
) -> None:
    wanted = {b"02", b"03"}

    def alone(body: bytes) -> Exception | None:
        return HandleAlone() if body in wanted and handler.batches[-1] != [body] else None

    handler.fail = alone
    publish_while_held(broker, handler, *bodies(6))

    until(lambda: [b"02"] in handler.batches and [b"03"] in handler.batches, "each alone")
    until(lambda: handler.is_done(b"05"), "last message")
    assert unacknowledged(broker, running) == 0
    assert broker.size(broker.dead_letter_queue) == 0


def test_a_batch_that_fails_as_a_whole_is_tried_message_by_message(
    broker: Broker, handler: Handler, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_PAUSES", (0.01, 0.01))
    handler.raising = lambda batch: ZeroDivisionError() if b"03" in batch else None
    publish_while_held(broker, handler, *bodies(6))

    dead = broker.wait_for_message(broker.dead_letter_queue)
    until(lambda: handler.has_done_without(b"03", b"05"), "last message")

    assert dead.body == b"03"
    assert dead.properties.headers["x-reason"] == "its handler failed: ZeroDivisionError"
    assert [batch for batch in handler.batches if b"03" in batch][-3:] == [[b"03"]] * 3
    assert unacknowledged(broker, running) == 0
    assert broker.size(broker.dead_letter_queue) == 0


def test_while_the_handler_cannot_work_the_whole_batch_waits_in_its_order(
    broker: Broker, handler: Handler, running: Running
) -> None:
    away = HandlerUnavailable("the database is away")
    handler.raising = lambda batch: None if batch == [b"first"] else away
    publish_while_held(broker, handler, *bodies(6))
    until(lambda: len(handler.batches) >= 4, "further attempts")

    handler.raising = lambda _: None

    until(lambda: handler.is_done(b"05"), "last message")
    assert list(dict.fromkeys(handler.attempts)) == [b"first", *bodies(6)]
    assert unacknowledged(broker, running) == 0
    assert broker.size(broker.dead_letter_queue) == 0


class TestAMessageThatEndsEveryRun:
    neighbours = bodies(BATCH // 2)

    def crash_until_it_is_dead(self, broker: Broker, run: Callable[[], None]) -> int:
        for body in (*self.neighbours, b"crash", *(body + b"'" for body in self.neighbours)):
            broker.publish(body)
        runs = 0
        while not any(message.body == b"crash" for message in peek_dead(broker)):
            runs += 1
            assert runs <= EVENTS_QUEUE.delivery_limit + 3
            run()
            until(lambda: broker.consumers() == 0, "a queue without the consumer")
        return runs

    def test_takes_no_other_along(self, broker: Broker, handler: Handler) -> None:
        def run() -> None:
            running = Running(broker.url, handler, batch_size=BATCH)
            while running.is_alive and not broker.size(broker.dead_letter_queue):
                broker.channel.connection.process_data_events(0.01)
            running.stop()

        self.crash_until_it_is_dead(broker, run)

        assert [message.body for message in peek_dead(broker)] == [b"crash"]
        assert all(b"crash" not in batch or batch == [b"crash"] for batch in handler.batches[2:])
        left = {message.body: deliveries(message) for message in broker.take_all()}
        assert all(count <= 1 for count in left.values()), left
        assert handler.is_done(*self.neighbours), "those before it were handled"

    def test_in_the_control_takes_along_all_that_was_prefetched(self, broker: Broker) -> None:
        def run() -> None:
            connection = pika.BlockingConnection(pika.URLParameters(broker.url))
            channel = connection.channel()
            arrived: list[bytes] = []
            channel.basic_consume(broker.queue, lambda *delivery: arrived.append(delivery[-1]))
            waiting = broker.size()
            until(lambda: connection.process_data_events(0.01) or len(arrived) >= waiting, "all")
            connection.close()

        self.crash_until_it_is_dead(broker, run)

        assert len(peek_dead(broker)) == 2 * len(self.neighbours) + 1


def peek_dead(broker: Broker) -> list[IncomingMessage]:
    """They stay there; their order may change."""
    found = []
    while True:
        method, properties, body = broker.channel.basic_get(broker.dead_letter_queue)
        if method is None:
            break
        found.append(
            IncomingMessage(message_id=properties.message_id, routing_key="", headers={}, body=body)
        )
    broker.channel.basic_nack(0, multiple=True, requeue=True)
    return found


def deliveries(message: object) -> int:
    """On a first delivery RabbitMQ 4.0 leaves the header out; older ones say 0."""
    return int((message.properties.headers or {}).get("x-delivery-count", 0))  # type: ignore[attr-defined]


def test_what_another_consumer_left_behind_is_handled_one_by_one(
    broker: Broker, proxy: TcpProxy, handler: Handler, running: Running
) -> None:
    """Whatever ended that one may be among it. `running` is the one that dies."""
    handler.held.clear()
    left_behind = bodies(2 * BATCH + 1)  # as many as it prefetches
    for body in left_behind:
        broker.publish(body)
    until(lambda: handler.attempts and broker.size() == 0, "everything in hand")
    living = Handler()
    other = Running(broker.url, living, batch_size=BATCH)
    try:
        broker.publish(b"new")
        until(lambda: living.is_done(b"new"), "the other consumer at work")

        running.consumer.stop()
        proxy.cut()
        handler.held.set()
        until(lambda: living.is_done(*left_behind), "all that was left behind")

        assert all(len(batch) == 1 for batch in living.batches if set(batch) & set(left_behind))
    finally:
        assert unacknowledged(broker, other) == 0
