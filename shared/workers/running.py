"""What all long-running commands do when they start and when they end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError

from shared.workers.heartbeat import Heartbeat, full_name
from shared.workers.metrics import show
from shared.workers.priority import give_way


@contextmanager
def beating(worker: str) -> Iterator[Heartbeat]:
    """The heartbeat of this process, in its file and among its metrics. Lowers its priority.

    Raises `CommandError` if `WORKER_STATE_DIR` can't be written to.
    """
    give_way(nice=settings.WORKER_NICE)
    try:
        heartbeat = Heartbeat(
            folder=settings.WORKER_STATE_DIR, worker=full_name(settings.SERVICE, worker)
        )
    except OSError as error:
        raise CommandError(f"WORKER_STATE_DIR: {error}") from error
    show(heartbeat)
    try:
        yield heartbeat
    finally:
        heartbeat.close()
