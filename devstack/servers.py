"""The servers that the two services use. Those not given by URL are started here."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack import keys, postgres, rabbitmq
from devstack.ports import LOOPBACK
from devstack.postgres import Postgres
from devstack.rabbitmq import RabbitMQ
from devstack.runner import Program, Runner

DATABASES = {  # service: (the URL that takes the place of an embedded server, its port otherwise)
    "event": ("EVENT_DATABASE_URL", "EVENT_DB_PORT"),
    "booking": ("BOOKING_DATABASE_URL", "BOOKING_DB_PORT"),
}
BROKER_URL = "RABBITMQ_URL"
URLS = (*(url for url, _ in DATABASES.values()), BROKER_URL)

START_SECONDS = 60


@dataclass(frozen=True)
class Servers:
    databases: list[Postgres]
    broker: RabbitMQ | None

    @property
    def programs(self) -> list[Program]:
        return [
            *(database.program for database in self.databases),
            *(self.broker.programs if self.broker else []),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What clients and tools need to reach the servers started here."""
        found = {DATABASES[each.service][0]: each.url for each in self.databases}
        if self.databases:
            found["DEVSTACK_PG_BIN"] = str(self.databases[0].installation.bin)
        if self.broker:
            found |= {
                BROKER_URL: self.broker.url,
                "DEVSTACK_RABBITMQ_BIN": str(self.broker.tools),
            }
        return found

    def create(self) -> None:
        with ThreadPoolExecutor() as pool:
            for result in [pool.submit(database.create) for database in self.databases]:
                result.result()
        if self.broker:
            self.broker.create()

    def wait_for_databases(self, runner: Runner) -> None:
        for database in self.databases:
            runner.wait(
                database.has_database,
                f"the {database.service} service's PostgreSQL did not answer",
                START_SECONDS,
            )

    def wait_for_broker(self, runner: Runner) -> None:
        if self.broker:
            runner.wait(self.broker.accepts, "RabbitMQ did not answer", START_SECONDS)


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """Where each program listens."""
    found = {f"{service}_db": port for service, (_, port) in DATABASES.items()}
    found |= {"rabbitmq": "RABBITMQ_PORT", "epmd": "RABBITMQ_EPMD_PORT"}
    return {program: f"{LOOPBACK}:{ports[port]}" for program, port in found.items()}


def embedded(
    folder: Path, environ: Mapping[str, str], ports: Mapping[str, int], *, fast: bool
) -> Servers:
    """The servers that `environ` has no URL for, installed if needed but not started."""
    secrets = keys.load(folder)
    missing = [service for service, (url, _) in DATABASES.items() if url not in environ]
    databases = []
    if missing:
        installation = postgres.install(folder)
        databases = [
            Postgres(
                service=service,
                port=ports[DATABASES[service][1]],
                password=secrets[f"{service}_db_password"],
                installation=installation,
                fast=fast,
            )
            for service in missing
        ]
    broker = None
    if BROKER_URL not in environ:
        rabbitmq.install(log=folder / "log" / "apt.log")
        broker = RabbitMQ(
            folder=folder / "rabbitmq",
            instance=folder,
            ports=ports,
            cookie=secrets["erlang_cookie"],
            password=secrets["rabbitmq_password"],
        )
    return Servers(databases, broker)
