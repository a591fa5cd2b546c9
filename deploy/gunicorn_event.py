"""gunicorn of the event service."""

import os
import sys

from shared.conf.env import Range, seal
from shared.db.waits import SHORT
from shared.observability.tracing import FLUSH_SECONDS
from shared.serving.config import *  # noqa: F403
from shared.serving.config import bind_host, drain_seconds, env

_port = env.int(
    "EVENT_PORT",
    8081,
    validate=Range(min=1, max=65535),
    help="The TCP port of the API. For containers: the port of this machine that leads to it.",
)
workers = env.int(
    "EVENT_WORKERS",
    2,
    validate=Range(min=1, max=64),
    help="gunicorn processes. A container may use 1 GB, which is enough for 12.",
)
seal(env)
# At SIGHUP gunicorn reads this file again, and that module with it: an environment is read once.
del sys.modules["shared.serving.config"]

# Read by the settings: how long a request waits for the database.
os.environ.setdefault("DATABASE_WAITS", SHORT)

bind = f"{bind_host}:{_port}"
graceful_timeout = drain_seconds + 20 + FLUSH_SECONDS
