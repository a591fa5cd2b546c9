"""gunicorn of the booking service."""

import math
import os
import sys

from shared.conf.env import Range, seal
from shared.db.waits import SHORT, read_lock_timeout_ms, read_waits
from shared.observability.tracing import FLUSH_SECONDS
from shared.serving.config import *  # noqa: F403
from shared.serving.config import bind_host, drain_seconds, env
from shared.serving.config import worker_exit as close_connections

_port = env.int(
    "BOOKING_PORT",
    8082,
    validate=Range(min=1, max=65535),
    help="The TCP port of the API. For containers: the port of this machine that leads to it.",
)
workers = env.int(
    "BOOKING_WORKERS",
    2,
    validate=Range(min=1, max=64),
    help="gunicorn processes. A container may use 1 GB, which is enough for 12.",
)
# Read by the settings, too.
os.environ.setdefault("DATABASE_WAITS", SHORT)
_waits = read_waits(env, "BOOKING", lock_timeout_ms=read_lock_timeout_ms(env, "BOOKING"))
seal(env)
# At SIGHUP gunicorn reads this file again, and that module with it: an environment is read once.
del sys.modules["shared.serving.config"]

bind = f"{bind_host}:{_port}"
# Longer than any response from the database may take.
graceful_timeout = drain_seconds + math.ceil(_waits.response_timeout or 0) + 1 + FLUSH_SECONDS


def worker_exit(server: object, worker: object) -> None:
    from booking_project.bookings.signals import stopping

    stopping.send_robust(sender=None)
    close_connections(server, worker)
