"""Which node has which address. On one machine a node is an address, with the usual ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from devstack import ports
from devstack.errors import DevstackError

DATABASES = {
    "event": ("event-db1", "event-db2"),
    "booking": ("booking-db1", "booking-db2"),
}
ETCD = ("etcd1", "etcd2", "etcd3")
BROKERS = ("broker1", "broker2", "broker3")
# Each has a booking API, PgBouncer and HAProxy. The first two have an event API and workers, too.
APPS = ("app1", "app2", "app3")
EVENT_APPS = APPS[:2]
WORKER_APPS = APPS[:2]
EDGES = ("edge1", "edge2")

PRIMARY_PORTS = {"event": 5001, "booking": 5002}
POSTGRES_PORT = 5432
PATRONI_PORT = 8008
PGBOUNCER_PORT = 6432
ETCD_PORT = 2379
AMQP_PORT = 5672
# RabbitMQ's nodes talk to each other on 127.0.0.1, as nodes of one host do.
EPMD_PORT = 25680
DISTRIBUTION_PORTS = {name: EPMD_PORT + number for number, name in enumerate(BROKERS, start=1)}

_FIRST = {"etcd": 11, "event-db": 21, "booking-db": 31, "broker": 41, "app": 51, "edge": 61}


@dataclass(frozen=True)
class Layout:
    """`network` is the first three numbers of the nodes' addresses. The edges are where `make run`
    has its APIs, so that what calls those needs no other address."""

    network: str
    event_port: int
    booking_port: int

    @classmethod
    def configured(cls, environ: Mapping[str, str]) -> Self:
        network = environ.get("CLUSTER_NETWORK", "127.0.10")
        numbers = network.split(".")
        if len(numbers) != 3 or not all(n.isdigit() and int(n) < 256 for n in numbers):
            raise DevstackError(
                f"CLUSTER_NETWORK is {network!r}: it must be three numbers, such as 127.0.10"
            )
        known = ports.configured(environ)
        return cls(network, known["EVENT_PORT"], known["BOOKING_PORT"])

    def address(self, node: str) -> str:
        if node in EDGES:
            return f"127.0.0.{EDGES.index(node) + 1}"
        kind, number = node[:-1], int(node[-1])
        return f"{self.network}.{_FIRST[kind] + number - 1}"

    def api_port(self, service: str) -> int:
        return {"event": self.event_port, "booking": self.booking_port}[service]

    def url(self, service: str, node: str = EDGES[0]) -> str:
        return f"http://{self.address(node)}:{self.api_port(service)}"

    @property
    def values(self) -> dict[str, str]:
        """What `deploy/cluster/cluster.env` says of all nodes."""
        nodes = (*ETCD, *BROKERS, *APPS, *DATABASES["event"], *DATABASES["booking"])
        found = {node.upper().replace("-", "_"): self.address(node) for node in nodes}
        found |= {f"{node.upper()}_NODE": broker_name(node) for node in BROKERS}
        return found | {
            "EVENT_PORT": str(self.event_port),
            "BOOKING_PORT": str(self.booking_port),
        }

    @property
    def listeners(self) -> list[tuple[str, int, str]]:
        """Each address and port, with whose it is."""
        found = [(self.address(node), ETCD_PORT, node) for node in ETCD]
        for pair in DATABASES.values():
            found += [(self.address(node), POSTGRES_PORT, node) for node in pair]
        found += [(self.address(node), AMQP_PORT, node) for node in BROKERS]
        found.append(("127.0.0.1", EPMD_PORT, "epmd of the brokers"))
        found += [(self.address(node), PGBOUNCER_PORT, f"PgBouncer of {node}") for node in APPS]
        found += [("127.0.0.1", port, node) for node, port in DISTRIBUTION_PORTS.items()]
        for service in DATABASES:
            apps = EVENT_APPS if service == "event" else APPS
            port = self.api_port(service)
            found += [(self.address(node), port, f"{service} API of {node}") for node in apps]
            found += [(self.address(node), port, node) for node in EDGES]
        return found


def broker_name(node: str) -> str:
    return f"{node}@localhost"
