"""gunicorn settings that both services share; `deploy/gunicorn_*.py` start from here."""

import gc
import resource
from typing import Any

from shared.conf.env import Environment, Range, read_trusted_proxies
from shared.conf.logs import read_log_format, read_log_level
from shared.observability import tracing
from shared.observability.logs import log_config
from shared.serving import metrics_files, reloads

# Each service goes on reading from it, then seals it, so that all bad variables are named at once.
env = Environment()
bind_host = env.str(
    "BIND_HOST",
    "127.0.0.1",
    help="The address that gunicorn listens on. `compose.yaml` sets `0.0.0.0` in the containers.",
)
worker_connections = 4000
_most_per_network = env.int(
    "MAX_CONNECTIONS_PER_ADDRESS",
    1000,
    validate=Range(min=1, max=worker_connections),
    help="Connections that one address (IPv6: one /64 network) may have to each process; further "
    "ones get 503. Not counted if `TRUSTED_PROXIES` is above 0.",
)
_trusted_proxies = read_trusted_proxies(env)
_lines_a_second = env.int(
    "LOG_REQUESTS_PER_SECOND",
    50,
    validate=Range(min=0, max=100_000),
    help="How many requests each process logs in a second. It counts the rest, and always logs "
    "those that failed with 500 or above.",
)
drain_seconds = env.int(
    "DRAIN_SECONDS",
    1,
    validate=Range(min=0, max=300),
    help="How long a process that is told to end still accepts connections. Meanwhile "
    "`/health/ready` is 503, and each answer is the last of its connection. Give a balancer the "
    "time that it needs to notice.",
)
logger_class = "shared.serving.access.AccessLogger"
logconfig_dict = log_config(level=read_log_level(env), format=read_log_format(env))

# A connection is an open file, and the usual limit of 1,024 is too low for a crowd.
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(_files, min(_most_files, 65536)), _most_files))

worker_class = "shared.serving.worker.Worker"
backlog = 4096
# The time itself is in shared/serving/connection.py.
keepalive = 75

# gevent reads a file and sends it in pieces, as gunicorn does without it.
sendfile = False

# No client is trusted as a proxy here, whatever its address. Behind a proxy, Django's settings say
# which headers count.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"
proxy_protocol = "off"
proxy_allow_ips = ""
uwsgi_allow_ips = ""
http_protocols = "h1"
http2_cleartext = "off"

# On by default since 25.1. Nothing here uses it, and it is one more way in.
control_socket_disable = True


def on_starting(server: Any) -> None:
    metrics_files.begin()


def on_reload(server: Any) -> None:
    reloads.begin()


def pre_exec(server: Any) -> None:
    # SIGUSR2: another gunicorn takes over the port.
    reloads.begin()


def post_fork(server: Any, worker: Any) -> None:
    # Behind a proxy, all clients have its address, so the proxy has to count them.
    worker.most_per_network = None if _trusted_proxies else _most_per_network
    worker.log.lines_a_second = _lines_a_second
    worker.drain_seconds = drain_seconds
    worker.reload = reloads.latest()
    worker.port_stays = server.systemd


def post_worker_init(worker: Any) -> None:
    # Served from the start, although nothing may be lost for a long time.
    import shared.observability.span_metrics  # noqa: F401
    from shared.observability.http_metrics import observe_request

    worker.log.observe_request = observe_request
    _freeze_what_is_loaded()


def _freeze_what_is_loaded() -> None:
    """Spare the garbage collector from walking all of Django again and again: it stays loaded.

    The collector's thresholds are unchanged; with higher ones, workers grew to 300 MB.
    """
    gc.collect()
    gc.freeze()


def worker_exit(server: Any, worker: Any) -> None:
    """Close the database connections cleanly, not by reset. Send the last spans."""
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]
    tracing.flush()


def child_exit(server: Any, worker: Any) -> None:
    """In the master, however the worker has ended."""
    metrics_files.forget(worker.pid)


def on_exit(server: Any) -> None:
    metrics_files.end()
