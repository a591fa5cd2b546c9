"""What the queue-consuming commands have in common."""

from collections.abc import Callable

from django.conf import settings
from django.core.management.base import CommandError

from shared.commands.shutdown import stop_on_signals
from shared.messaging.consumer import Consumer
from shared.messaging.errors import TopologyMismatch
from shared.messaging.incoming import Handler
from shared.messaging.topology import Queue
from shared.observability import tracing
from shared.workers.endpoint import Address
from shared.workers.running import beating


def consume(
    *,
    worker: str,
    queue: Queue,
    handler: Handler,
    metrics: Address | None,
    batch_size: int = 1,
    background_work: Callable[[], bool] = lambda: False,
) -> None:
    """Consume until SIGTERM or SIGINT, reporting at `metrics` and in the heartbeat of `worker`.

    Raises `CommandError` if the queue's arguments differ.
    """
    with beating(worker, metrics=metrics) as heartbeat:
        if tracing.is_recording():
            from shared.messaging.traced import traced_handler

            handler = traced_handler(handler, queue=queue)
        consumer = Consumer(
            url=settings.RABBITMQ_URL,
            queue=queue,
            handler=handler,
            heartbeat=heartbeat,
            batch_size=batch_size,
            background_work=background_work,
        )
        stop_on_signals(consumer.stop)
        try:
            consumer.run()
        except TopologyMismatch as error:
            raise CommandError(str(error)) from error
