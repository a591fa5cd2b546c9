"""HAProxy at the edge; PgBouncer and HAProxy beside the services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.cluster import layout, programs, templates
from devstack.cluster.layout import Layout
from devstack.runner import Program


@dataclass(frozen=True)
class Proxies:
    folder: Path
    where: Layout
    secrets: Mapping[str, str]
    as_user: Sequence[str]

    def create(self) -> None:
        for node in (*layout.EDGES, *layout.APPS):
            self._write(node, f"haproxy-{node[:-1]}.cfg")
        for node in layout.APPS:
            self._write(node, "pgbouncer.ini")
            self._write(node, "userlist.txt")

    @property
    def programs(self) -> list[Program]:
        return [
            *(self._haproxy(node, name=node) for node in layout.EDGES),
            *(self._haproxy(node, name=f"{node}_haproxy") for node in layout.APPS),
            *(self._pgbouncer(node) for node in layout.APPS),
        ]

    def _write(self, node: str, name: str) -> None:
        folder = self.folder / node
        values = {
            **self.where.values,
            "ADDRESS": self.where.address(node),
            "PGBOUNCER_FOLDER": str(folder),
            "EVENT_DB_PASSWORD": self.secrets["event_db_password"],
            "BOOKING_DB_PASSWORD": self.secrets["booking_db_password"],
        }
        templates.write(name, folder / name, values)

    def _haproxy(self, node: str, *, name: str) -> Program:
        configuration = self.folder / node / f"haproxy-{node[:-1]}.cfg"
        return Program(
            name=name,
            group="proxies",
            command=[programs.path_of("haproxy"), "-db", "-f", str(configuration)],
            as_user=self.as_user,
        )

    def _pgbouncer(self, node: str) -> Program:
        return Program(
            name=f"{node}_pgbouncer",
            group="proxies",
            command=[programs.path_of("pgbouncer"), str(self.folder / node / "pgbouncer.ini")],
            as_user=self.as_user,
            # At SIGTERM it waits for no client.
            stop_signal="TERM",
        )
