"""How many messages could not be processed, for a page that must not wait for the broker."""

import threading
from collections.abc import Collection
from concurrent.futures import Future

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from shared.messaging.connection import connection_parameters
from shared.messaging.topology import Queue

# A broker that freezes after the handshake is given up for dead after two of these.
_HEARTBEAT_SECONDS = 2
_one_at_a_time = threading.Lock()


def dead_letter_counts(
    *, url: str, queues: Collection[Queue], seconds: float
) -> dict[str, int] | None:
    """By the name of the queue whose dead letters they are. None if the broker doesn't answer
    within `seconds`, or is already being asked."""
    if not _one_at_a_time.acquire(blocking=False):
        return None
    answer: Future[dict[str, int]] = Future()
    asking = threading.Thread(
        target=_ask, args=(url, queues, seconds, answer), name="dead-letter-counts", daemon=True
    )
    asking.start()
    try:
        return answer.result(timeout=seconds)
    except (AMQPError, AMQPConnectorException, OSError, TimeoutError):
        return None


def _ask(
    url: str, queues: Collection[Queue], seconds: float, answer: "Future[dict[str, int]]"
) -> None:
    try:
        answer.set_result(_counts(url, queues, seconds))
    except BaseException as error:
        answer.set_exception(error)
    finally:
        _one_at_a_time.release()


def _counts(url: str, queues: Collection[Queue], seconds: float) -> dict[str, int]:
    parameters = connection_parameters(url, connect_timeout=seconds)
    parameters.heartbeat = _HEARTBEAT_SECONDS
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        return {
            queue.name: channel.queue_declare(
                queue.dead_letter_queue, passive=True
            ).method.message_count
            for queue in queues
        }
    finally:
        if connection.is_open:
            connection.close()
