"""The ports of the parts: which variable sets each, and which part needs it."""

import atexit
import errno
import importlib.util
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devstack.errors import DevstackError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    variable: str
    default: int
    owner: str
    # If this variable names a server, none is started that would need the port.
    unless: str | None = None
    # `make start` doesn't need it.
    later: bool = False


PORTS = (
    Port("EVENT_PORT", 8081, "the event API"),
    Port("BOOKING_PORT", 8082, "the booking API"),
    Port("EVENT_DB_PORT", 18432, "the event service's PostgreSQL", "EVENT_DATABASE_URL"),
    Port("BOOKING_DB_PORT", 18433, "the booking service's PostgreSQL", "BOOKING_DATABASE_URL"),
    Port("RABBITMQ_PORT", 18672, "RabbitMQ", "RABBITMQ_URL"),
    Port("RABBITMQ_DIST_PORT", 18673, "RabbitMQ's command line tools", "RABBITMQ_URL"),
    Port("RABBITMQ_EPMD_PORT", 18674, "RabbitMQ's name server, epmd", "RABBITMQ_URL"),
    Port("EVENT_RELAY_METRICS_PORT", 18101, "the metrics of the event service's relay"),
    Port("BOOKING_RELAY_METRICS_PORT", 18102, "the metrics of the booking service's relay"),
    Port("CONSUMER_METRICS_PORT", 18103, "the consumer's metrics"),
    Port("NOTIFIER_METRICS_PORT", 18104, "the notifier's metrics"),
    Port("PROMETHEUS_PORT", 18090, "Prometheus, which `make monitor` starts", later=True),
)
OWNERS = {port.variable: port.owner for port in PORTS}


def configured(environ: Mapping[str, str]) -> dict[str, int]:
    """The port of each variable, all valid and different."""
    ports: dict[str, int] = {}
    for port in PORTS:
        number = _number(port.variable, environ.get(port.variable, str(port.default)))
        for other, taken in ports.items():
            if number == taken:
                raise DevstackError(
                    f"{other} and {port.variable} are both {number}: each needs its own port"
                )
        ports[port.variable] = number
    return ports


def required(environ: Mapping[str, str]) -> list[str]:
    """The variables of the ports that `make start` needs, given these server URLs."""
    return [
        port.variable
        for port in PORTS
        if not port.later and (port.unless is None or port.unless not in environ)
    ]


def private() -> dict[str, int]:
    """Free ports, kept free for our servers as `free_port` does."""
    return {port.variable: free_port() for port in PORTS}


def free_port() -> int:
    """A loopback port that Linux gives to no other process while this process lives.

    Our server can be told to listen there, now or later, and again after a restart.
    """
    held = hold_port()
    atexit.register(held.close)
    number: int = held.getsockname()[1]
    return number


def hold_port() -> socket.socket:
    """A socket that holds a free port until it is closed.

    It is bound but doesn't listen: clients are refused, no other process is given the port, but a
    server that sets SO_REUSEADDR, as servers do, can listen there.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((LOOPBACK, 0))
    return held


def require_free(ports: Mapping[str, int], variables: Iterable[str]) -> None:
    for variable in variables:
        number = ports[variable]
        refusal = _refusal(number)
        if refusal is None:
            continue
        if refusal.errno != errno.EADDRINUSE:
            raise DevstackError(
                f"port {number} for {OWNERS[variable]} cannot be used ({refusal.strerror}): "
                f"set {variable} to another port"
            )
        raise DevstackError(
            f"port {number}, which {OWNERS[variable]} needs, is taken{_holder(number)}: "
            f"stop what uses it, or set {variable} to a free port"
        )


def _number(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise DevstackError(f"{variable} is {text!r}: it must be a port number, 1 to 65535")
    return int(text)


def _refusal(number: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError as refusal:
            return refusal
    return None


def _holder(number: int) -> str:
    """ " by pid 12 (nginx)", or empty if the system doesn't tell an ordinary user, or if psutil
    isn't installed yet."""
    if importlib.util.find_spec("psutil") is None:
        return ""
    import psutil

    for connection in psutil.net_connections("tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr:
            continue
        if connection.laddr.port == number and connection.pid:
            return f" by pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""
