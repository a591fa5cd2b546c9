"""Three RabbitMQ nodes that form a cluster."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.cluster import layout, templates
from devstack.cluster.layout import Layout
from devstack.ports import LOOPBACK
from devstack.rabbitmq import RabbitMQ
from devstack.runner import Program

# One scheduler that doesn't spin, because three nodes share this machine with everything else.
_SMALL = "+S 1:1 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass(frozen=True, kw_only=True)
class Node(RabbitMQ):
    name: str

    @property
    def programs(self) -> list[Program]:
        command = [str(self.tools / "rabbitmq-server")]
        return [Program(name=self.name, group="broker", command=command)]

    def sees_all(self) -> bool:
        """Whether all nodes have joined, as this one sees it."""
        answer = subprocess.run(
            [self.tools / "rabbitmqctl", "--quiet", "cluster_status", "--formatter", "json"],
            check=False,
            capture_output=True,
            text=True,
        )
        if answer.returncode != 0:
            return False
        return len(json.loads(answer.stdout)["running_nodes"]) == len(layout.BROKERS)

    @property
    def _environment(self) -> dict[str, str]:
        known = super()._environment
        arguments = known["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
        return {
            **known,
            "RABBITMQ_NODENAME": layout.broker_name(self.name),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{_SMALL} {arguments}",
        }


def nodes(*, folder: Path, where: Layout, secrets: Mapping[str, str]) -> list[Node]:
    return [
        Node(
            name=name,
            folder=folder / name,
            instance=folder,
            address=where.address(name),
            ports={
                "RABBITMQ_PORT": layout.AMQP_PORT,
                "RABBITMQ_DIST_PORT": layout.DISTRIBUTION_PORTS[name],
                "RABBITMQ_EPMD_PORT": layout.EPMD_PORT,
            },
            cookie=secrets["erlang_cookie"],
            password=secrets["rabbitmq_password"],
            settings=templates.render(
                "rabbitmq.conf", {**where.values, "ADDRESS": where.address(name)}
            ),
        )
        for name in layout.BROKERS
    ]


def epmd() -> Program:
    command = ["epmd", "-port", str(layout.EPMD_PORT), "-address", LOOPBACK]
    return Program(name="epmd", group="epmd", command=command)
