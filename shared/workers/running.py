"""What all long-running commands do when they start and when they end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError

from shared.observability import span_metrics, tracing  # noqa: F401 (served from the start)
from shared.workers.endpoint import Address, serve
from shared.workers.heartbeat import Heartbeat, full_name
from shared.workers.metrics import show
from shared.workers.priority import give_way


@contextmanager
def beating(worker: str, *, metrics: Address | None) -> Iterator[Heartbeat]:
    """The heartbeat of this process, in its file and, with its metrics, at `metrics`. Lowers its
    priority. Records traces, if there is a collector.

    Raises `CommandError` if `WORKER_STATE_DIR` can't be written to, or `metrics` is taken.
    """
    give_way(nice=settings.WORKER_NICE)
    try:
        heartbeat = Heartbeat(
            folder=settings.WORKER_STATE_DIR, worker=full_name(settings.SERVICE, worker)
        )
    except OSError as error:
        raise CommandError(f"WORKER_STATE_DIR: {error}") from error
    try:
        if settings.RECORDS_TRACES:
            from shared.observability import recording

            recording.begin(service_name=full_name(settings.SERVICE, worker))
        show(heartbeat)
        if metrics is not None:
            _serve(metrics, heartbeat)
        yield heartbeat
    finally:
        heartbeat.close()
        tracing.flush()


def _serve(at: Address, heartbeat: Heartbeat) -> None:
    try:
        serve(at, heartbeat)
    except OSError as error:
        raise CommandError(f"--metrics {at.host}:{at.port}: {error}") from error
