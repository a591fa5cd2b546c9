"""gunicorn of the event service: few, slow-ish requests that wait for the broker's confirm."""

import os

from shared.db.waits import SHORT
from shared.env import Range, open_environment, seal

_env = open_environment()
_host = _env.str("BIND_HOST", "127.0.0.1")
_port = _env.int("EVENT_PORT", 8081, validate=Range(min=1, max=65535))
workers = _env.int("EVENT_WORKERS", 2, validate=Range(min=1, max=64))
threads = _env.int("EVENT_THREADS", 8, validate=Range(min=1, max=256))
seal(_env)

# Read by the settings: how long a request waits for the database.
os.environ.setdefault("DATABASE_WAITS", SHORT)

bind = f"{_host}:{_port}"
worker_class = "shared.serving.threads.Worker"
keepalive = 75
graceful_timeout = 20
# On by default since 25.1; nobody here uses it, and it is one more way in.
control_socket_disable = True


def worker_exit(server: object, worker: object) -> None:
    """Give the database its connections back in order, not by reset."""
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]
