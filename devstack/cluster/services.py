"""The APIs and workers of each machine with services."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack import apps
from devstack.cluster import layout
from devstack.cluster.layout import Layout
from devstack.rabbitmq import USER as BROKER_USER
from devstack.runner import Program


@dataclass(frozen=True)
class Services:
    folder: Path
    where: Layout
    secrets: Mapping[str, str]

    @property
    def programs(self) -> list[Program]:
        return [*self._apis, *self._workers]

    def environment(self, node: str) -> dict[str, str]:
        """Of workers and commands: straight to the primaries."""
        address = self.where.address(node)
        password = self.secrets["rabbitmq_password"]
        return {
            **{
                f"{service.upper()}_DATABASE_URL": self._database_url(service, node, port)
                for service, port in layout.PRIMARY_PORTS.items()
            },
            "RABBITMQ_URL": f"amqp://{BROKER_USER}:{password}@{address}:{layout.AMQP_PORT}/%2F",
            "BIND_HOST": address,
            "WORKER_STATE_DIR": str(self.folder / "workers" / node),
        }

    def _database_url(self, service: str, node: str, port: int) -> str:
        password = self.secrets[f"{service}_db_password"]
        return f"postgresql://{service}:{password}@{self.where.address(node)}:{port}/{service}"

    @property
    def _apis(self) -> list[Program]:
        places = [("event", node) for node in layout.EVENT_APPS]
        places += [("booking", node) for node in layout.APPS]
        return [
            Program(
                name=api_name(service, node),
                group="apps",
                command=[
                    *(sys.executable, "-m", "gunicorn", "-c", f"deploy/gunicorn_{service}.py"),
                    f"{service}_project.wsgi",
                ],
                environment={
                    **self.environment(node),
                    "DATABASE_POOLER": "transaction",
                    f"{service.upper()}_DATABASE_URL": self._database_url(
                        service, node, layout.PGBOUNCER_PORT
                    ),
                },
            )
            for service, node in places
        ]

    @property
    def _workers(self) -> list[Program]:
        return [
            Program(
                name=f"{node}_{worker}",
                group="apps",
                command=[sys.executable, apps.MANAGE[service], command],
                environment=self.environment(node),
            )
            for node in layout.WORKER_APPS
            for worker, (service, command) in apps.WORKERS.items()
        ]


def api_name(service: str, node: str) -> str:
    return f"{node}_{service}"
