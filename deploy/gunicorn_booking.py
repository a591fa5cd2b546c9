"""gunicorn of the booking service: thousands of keep-alive connections on few processes."""

from shared.env import Range, open_environment, seal

_env = open_environment()
_host = _env.str("BIND_HOST", "127.0.0.1")
_port = _env.int("BOOKING_PORT", 8082, validate=Range(min=1, max=65535))
workers = _env.int("BOOKING_WORKERS", 2, validate=Range(min=1, max=64))
seal(_env)

bind = f"{_host}:{_port}"
worker_class = "gevent"
worker_connections = 4000
backlog = 4096
keepalive = 75
# Longer than any statement may take; idle keep-alive connections use all of it.
graceful_timeout = 8
# On by default since 25.1; nobody here uses it, and it is one more way in.
control_socket_disable = True


def worker_exit(server: object, worker: object) -> None:
    """Give the database its connections back in order, not by reset."""
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]
