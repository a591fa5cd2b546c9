"""The heartbeat as metrics. They are read by the thread that serves them, which goes on while the
loop hangs."""

import time

from prometheus_client import Gauge

from shared.workers.heartbeat import Heartbeat

_AGE = Gauge(
    "worker_last_beat_age_seconds",
    "Seconds since the last heartbeat of the worker's loop",
    ["worker"],
)
_WAITING = Gauge(
    "worker_waiting",
    "1 while the worker can't do its work: the broker, the database or the mail server is away",
    ["worker"],
)


def show(heartbeat: Heartbeat) -> None:
    _AGE.labels(heartbeat.worker).set_function(lambda: time.monotonic() - heartbeat.pulse.beat)
    _WAITING.labels(heartbeat.worker).set_function(lambda: float(bool(heartbeat.pulse.waiting)))
