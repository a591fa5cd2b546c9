"""etcd, and PostgreSQL under Patroni: a primary and a synchronous standby for each service."""

import contextlib
import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql

from devstack.cluster import layout, programs, templates
from devstack.cluster.layout import Layout
from devstack.runner import Program

ANSWER_SECONDS = 3


@dataclass(frozen=True)
class Databases:
    """`as_user` is the prefix to a command that changes from root to PostgreSQL's user."""

    folder: Path
    where: Layout
    secrets: Mapping[str, str]
    as_user: Sequence[str]

    @property
    def programs(self) -> list[Program]:
        pairs = [node for pair in layout.DATABASES.values() for node in pair]
        return [*map(self._etcd, layout.ETCD), *map(self._patroni, pairs)]

    def create(self) -> None:
        for service, pair in layout.DATABASES.items():
            for node in pair:
                data = self.folder / node
                data.mkdir(exist_ok=True)
                values = {
                    **self.where.values,
                    "ADDRESS": self.where.address(node),
                    "NODE": node,
                    "SERVICE": service,
                    "POSTGRES_BIN": str(programs.postgres_bin()),
                    "POSTGRES_FOLDER": str(data),
                    "POSTGRES_PASSWORD": self.secrets["postgres_password"],
                    "REPLICATION_PASSWORD": self.secrets["replication_password"],
                    "PATRONI_PASSWORD": self.secrets["patroni_password"],
                    "SHARED_BUFFERS": "64MB",
                    "MAX_WAL_SIZE": "256MB",
                    # It would restart this machine.
                    "WATCHDOG": "off",
                }
                templates.write("patroni.yml", data / "patroni.yml", values)
        for node in layout.ETCD:
            (self.folder / node).mkdir(exist_ok=True, mode=0o700)

    def primary(self, service: str) -> str | None:
        """The node that accepts writes, as Patroni says; None while there is none."""
        return next((n for n in layout.DATABASES[service] if self._is(n, "primary")), None)

    def is_redundant(self, service: str) -> bool:
        """Whether there is a primary and a synchronous standby."""
        return self.primary(service) is not None and any(
            self._is(node, "sync") for node in layout.DATABASES[service]
        )

    def has_database(self, service: str) -> bool:
        """Makes the service's user and database unless they exist; False while there is no primary,
        or it is still being promoted."""
        node = self.primary(service)
        if node is None:
            return False
        try:
            self._create_database(service, node)
        except (psycopg.OperationalError, errors.ReadOnlySqlTransaction):
            return False
        return True

    def url_of_superuser(self, node: str, database: str = "postgres") -> str:
        password = self.secrets["postgres_password"]
        address = self.where.address(node)
        return f"postgresql://postgres:{password}@{address}:{layout.POSTGRES_PORT}/{database}"

    def _create_database(self, service: str, node: str) -> None:
        name = sql.Identifier(service)
        password = sql.Literal(self.secrets[f"{service}_db_password"])
        with psycopg.connect(self.url_of_superuser(node), autocommit=True) as connection:
            with contextlib.suppress(errors.DuplicateObject):
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password)
                )
            with contextlib.suppress(errors.DuplicateDatabase):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))

    def _is(self, node: str, role: str) -> bool:
        connection = http.client.HTTPConnection(
            self.where.address(node), layout.PATRONI_PORT, timeout=ANSWER_SECONDS
        )
        try:
            connection.request("GET", f"/{role}")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _etcd(self, node: str) -> Program:
        values = {
            **self.where.values,
            "ADDRESS": self.where.address(node),
            "NODE": node,
            "ETCD_FOLDER": str(self.folder / node),
        }
        return Program(
            name=node,
            group="consensus",
            command=[programs.path_of("etcd")],
            as_user=self.as_user,
            environment=templates.assignments(templates.render("etcd.env", values)),
        )

    def _patroni(self, node: str) -> Program:
        return Program(
            name=node,
            group="databases",
            command=[programs.path_of("patroni"), str(self.folder / node / "patroni.yml")],
            as_user=self.as_user,
            # Patroni stops its PostgreSQL in order.
            stop_whole_group=False,
        )
