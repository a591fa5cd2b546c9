"""A consumer in a thread of the test, and a handler whose outcome depends on the message."""

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.messaging.consumer import Consumer
from shared.messaging.errors import BadMessage, HandlerUnavailable, TryLater
from shared.messaging.incoming import Failures, IncomingMessage
from shared.messaging.incoming import Handler as BatchHandler
from shared.messaging.topology import EVENTS_QUEUE, Queue
from shared.observability.request_id import request_id
from shared.workers.heartbeat import Heartbeat
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_SECONDS, until


def one_by_one(handle: Callable[[IncomingMessage], None]) -> BatchHandler:
    """A handler of batches made from a function that handles one message or raises."""

    def handle_all(messages: Sequence[IncomingMessage]) -> Failures:
        failures: dict[IncomingMessage, Exception] = {}
        for message in messages:
            try:
                handle(message)
            except HandlerUnavailable:
                raise
            except Exception as error:
                failures[message] = error
        return failures

    return handle_all


class Handler:
    """Records the bodies it finished. Those in `bad` are bad; none passes while `away` or held."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.attempts: list[bytes] = []
        self.messages: list[IncomingMessage] = []
        self.request_ids: list[str] = []
        self.away = False
        self.held = threading.Event()
        self.held.set()

    def __call__(self, messages: Sequence[IncomingMessage]) -> Failures:
        return one_by_one(self._handle)(messages)

    def _handle(self, message: IncomingMessage) -> None:
        self.attempts.append(message.body)
        assert self.held.wait(PATIENCE_SECONDS)
        if self.away:
            raise HandlerUnavailable("the database is away")
        if message.body.startswith(b"bad"):
            raise BadMessage(f"cannot read {message.body.decode()}")
        if message.body.startswith(b"bug"):
            raise ZeroDivisionError("amqp://me:secret@host divided by zero\nforged line")
        if message.body == b"crash":
            raise SystemExit(1)
        if message.body.startswith(b"later"):
            raise TryLater("451 not now")
        self.done.append(message.body)
        self.messages.append(message)
        self.request_ids.append(request_id.get())


class Running:
    """A consumer in its own thread."""

    def __init__(
        self,
        url: str,
        handler: BatchHandler,
        *,
        batch_size: int = 1,
        background_work: Callable[[], bool] = lambda: False,
        queue: Queue = EVENTS_QUEUE,
    ) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.heartbeat = Heartbeat(folder=Path(self.folder.name), worker="tests.consumer")
        self.consumer = Consumer(
            url=url,
            queue=queue,
            handler=handler,
            heartbeat=self.heartbeat,
            batch_size=batch_size,
            background_work=background_work,
        )
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.consumer.run()
        except BaseException as error:
            self.error = error
        finally:
            self.folder.cleanup()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.consumer.stop()
        self.join()


def wait_for(handler: Handler, *bodies: bytes) -> None:
    until(lambda: len(handler.done) >= len(bodies), f"message {bodies[-1]!r}")
    assert handler.done == list(bodies)


def unacknowledged(broker: Broker, running: Running) -> int:
    """The messages that return to the queue when the consumer is gone."""
    running.stop()
    until(lambda: broker.consumers() == 0, "a queue without the consumer")
    return broker.size()
