"""gunicorn of the booking service: thousands of keep-alive connections on few processes."""

import gc
import math
import os
import resource

from shared.db.waits import SHORT, read_waits
from shared.env import Range, open_environment, seal

_env = open_environment()
_host = _env.str("BIND_HOST", "127.0.0.1")
_port = _env.int("BOOKING_PORT", 8082, validate=Range(min=1, max=65535))
workers = _env.int("BOOKING_WORKERS", 2, validate=Range(min=1, max=64))
# Read by the settings, too.
os.environ.setdefault("DATABASE_WAITS", SHORT)
_lock_timeout_ms = _env.int("BOOKING_LOCK_TIMEOUT_MS", 2000, validate=Range(min=100, max=60000))
_waits = read_waits(_env, "BOOKING", lock_timeout_ms=_lock_timeout_ms)
seal(_env)

# A connection is a file, and the usual limit of 1,024 is less than one crowd.
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(_files, min(_most_files, 65536)), _most_files))

bind = f"{_host}:{_port}"
worker_class = "shared.serving.greenlets.Worker"
worker_connections = 4000
backlog = 4096
keepalive = 75
# Longer than any answer of the database may take; idle keep-alive connections use all of it.
graceful_timeout = math.ceil(_waits.response_timeout or 0) + 1
# On by default since 25.1; nobody here uses it, and it is one more way in.
control_socket_disable = True


def worker_exit(server: object, worker: object) -> None:
    """Give the database its connections back in order, not by reset."""
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]


def post_worker_init(worker: object) -> None:
    """What is loaded now stays: the garbage collector need not walk all of Django again and again.

    Its thresholds stay as they are; with higher ones workers grew to 300 MB.
    """
    gc.collect()
    gc.freeze()
