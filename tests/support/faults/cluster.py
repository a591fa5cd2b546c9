"""Three RabbitMQ nodes on this machine that form a cluster, and end with the test."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import ports, processes
from devstack.ports import LOOPBACK
from devstack.rabbitmq import RabbitMQ
from devstack.runner import dying_with_parent
from tests.support.waiting import until

START_SECONDS = 180
SIZE = 3


@dataclass(frozen=True)
class Node(RabbitMQ):
    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}@localhost"

    @property
    def port(self) -> int:
        return self._port

    @property
    def _environment(self) -> dict[str, str]:
        return {**super()._environment, "RABBITMQ_NODENAME": self.name}


class Cluster:
    def __init__(self, nodes: list[Node], running: dict[str, subprocess.Popen[bytes]]) -> None:
        self.nodes = nodes
        self._running = running

    def leader_of(self, queue: str) -> Node:
        """The node that serves the quorum queue now."""
        (found,) = [each for each in self._queues() if each["name"] == queue]
        (leader,) = [node for node in self.nodes if node.name == found["leader"]]
        return leader

    def kill(self, node: Node) -> None:
        process = self._running.pop(node.name)
        process.kill()
        process.wait()

    def others(self, than: Node) -> list[Node]:
        return [node for node in self.nodes if node is not than]

    def is_complete(self) -> bool:
        answer = _ask(self.nodes[0], "cluster_status", "--formatter", "json")
        return len(json.loads(answer)["running_nodes"]) == SIZE

    def _queues(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(
            _ask(self.nodes[0], "list_queues", "name", "leader", "--formatter", "json")
        )
        return found


@contextmanager
def three_nodes(folder: Path) -> Iterator[Cluster]:
    cookie, password = secrets.token_hex(20), secrets.token_hex(20)
    own_ports = [ports.private() for _ in range(SIZE)]
    name_server = own_ports[0]["RABBITMQ_EPMD_PORT"]
    nodes = [
        Node(
            number=number,
            folder=folder / str(number),
            instance=folder,
            ports={**own, "RABBITMQ_EPMD_PORT": name_server},
            cookie=cookie,
            password=password,
        )
        for number, own in enumerate(own_ports, start=1)
    ]
    with ExitStack() as stack:
        # Whatever they leave behind bears the mark of this folder.
        stack.callback(processes.end, folder)
        epmd = ["epmd", "-port", str(name_server), "-address", LOOPBACK]
        _start(epmd, folder / "epmd.log", stack, folder)
        running = {}
        for node in nodes:
            node.create()
            with (node.folder / "rabbitmq.conf").open("a") as configuration:
                configuration.write("cluster_formation.peer_discovery_backend = classic_config\n")
                for number, peer in enumerate(nodes, start=1):
                    configuration.write(
                        f"cluster_formation.classic_config.nodes.{number} = {peer.name}\n"
                    )
            command = [str(node.tools / "rabbitmq-server")]
            running[node.name] = _start(command, folder / f"{node.number}.log", stack, folder)
        for node in nodes:
            until(node.accepts, f"{node.name} that accepts", seconds=START_SECONDS)
        cluster = Cluster(nodes, running)
        until(cluster.is_complete, "complete cluster", seconds=START_SECONDS)
        yield cluster


def _start(
    command: list[str], log: Path, stack: ExitStack, folder: Path
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            dying_with_parent(command),
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", processes.MARK: str(folder)},
        )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _ask(node: Node, *words: str) -> str:
    answer = subprocess.run(
        [node.tools / "rabbitmqctl", "--quiet", *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    return answer.stdout
