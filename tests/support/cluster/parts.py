"""Kills and freezes parts of a running cluster, by their names in `make cluster-status`."""

import contextlib
import http.client
import json
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from devstack.cluster import layout
from devstack.cluster.stack import Cluster
from devstack.runner import Running
from tests.support.waiting import PATIENCE_SECONDS, until

RECOVERY_SECONDS = 120


class Parts:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def primary(self, service: str) -> str:
        return until(
            lambda: self.cluster.databases.primary(service), "primary", seconds=RECOVERY_SECONDS
        )

    def standby(self, service: str) -> str:
        primary = self.primary(service)
        (other,) = (node for node in layout.DATABASES[service] if node != primary)
        return other

    def etcd_leader(self) -> str:
        for node in layout.ETCD:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = self._etcd(node, "maintenance/status", {})
                if status["leader"] == status["header"]["member_id"]:
                    return node
        raise AssertionError("etcd has no leader")

    def _etcd(self, node: str, call: str, body: Mapping[str, str]) -> Any:
        address = self.cluster.where.address(node)
        request = urllib.request.Request(
            f"http://{address}:{layout.ETCD_PORT}/v3/{call}", data=json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            return json.load(response)

    def family(self, name: str) -> list[psutil.Process]:
        """The part's processes, the parents first. Those of a database are Patroni's and
        PostgreSQL's."""
        roots = [psutil.Process(self._running(name).pid)]
        if (postmaster := self.postmaster(name)) is not None:
            roots.append(postmaster)
        found: list[psutil.Process] = []
        for root in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [root, *root.children(recursive=True)]
        return list(dict.fromkeys(found))

    def postgres(self, node: str) -> list[psutil.Process]:
        """Without Patroni."""
        postmaster = self.postmaster(node)
        assert postmaster is not None, f"{node} has no PostgreSQL"
        return [postmaster, *postmaster.children(recursive=True)]

    def postmaster(self, node: str) -> psutil.Process | None:
        for service, pair in layout.DATABASES.items():
            if node in pair:
                file = self.cluster.servers_folder / node / service / "postmaster.pid"
                with contextlib.suppress(OSError, psutil.NoSuchProcess):
                    return psutil.Process(int(file.read_text().split()[0]))
        return None

    def kill(self, processes: Sequence[psutil.Process]) -> None:
        """All at the same time. The runner starts again at once what it has started."""
        _send(processes, signal.SIGSTOP)
        _send(processes, signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self, processes: Sequence[psutil.Process]) -> Iterator[None]:
        _send(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            _send(list(reversed(processes)), signal.SIGCONT)

    @contextlib.contextmanager
    def dead(self, name: str) -> Iterator[None]:
        """Killed with all its processes, and not started again before the block ends."""
        family = self.family(name)
        _send(family, signal.SIGSTOP)
        # It can't obey: the runner only learns that it is not to start it again.
        stopping = threading.Thread(target=self.cluster.runner.stop_part, args=(name,))
        stopping.start()
        until(lambda: self._state(name) == "STOPPING", f"stop of {name}")
        _send(family, signal.SIGKILL)
        stopping.join()
        try:
            yield
        finally:
            self.cluster.runner.start_part(name)

    @contextlib.contextmanager
    def cut_off(self, node: str, others: Sequence[str]) -> Iterator[None]:
        """No packet passes between the processes of `node` and those of `others`, in neither
        direction. All of them are on one loopback interface: control groups tell them apart."""
        groups = {name: _Group(name) for name in (node, *others)}
        families = {name: self.family(name) for name in groups}
        addresses = {name: self.cluster.where.address(name) for name in groups}
        rules = []
        for name, group in groups.items():
            for process in families[name]:
                group.add(process)
            far = [addresses[other] for other in (others if name == node else [node])]
            # New connections, and what was connected before, which belongs to no group.
            rules += [
                f'socket cgroupv2 level 1 "{group.path}" ip daddr {each} drop' for each in far
            ]
            for port in _ports_to(families[name], far):
                rules += [f"tcp sport {port} drop", f"tcp dport {port} drop"]
        chain = "type filter hook output priority 0; policy accept;\n" + "\n".join(rules)
        with contextlib.ExitStack() as stack:
            for group in groups.values():
                stack.callback(group.remove)
            _nft(f"table inet cluster_test {{\nchain cut {{\n{chain}\n}}\n}}\n")
            stack.callback(_nft, "delete table inet cluster_test\n")
            yield

    def _running(self, name: str) -> Running:
        def found() -> Running | None:
            return next(
                (each for each in self.cluster.runner.programs() if each.name == name and each.pid),
                None,
            )

        return until(found, f"process of {name}", seconds=RECOVERY_SECONDS)

    def _state(self, name: str) -> str:
        return next(each.state for each in self.cluster.runner.programs() if each.name == name)


class _Group:
    """A control group of its own for a part's processes and those that they start."""

    def __init__(self, name: str) -> None:
        mount = next(
            Path(each.mountpoint)
            for each in psutil.disk_partitions(all=True)
            if each.fstype == "cgroup2"
        )
        self._folder = mount / f"cluster-test-{name}"
        self._home = mount / "cgroup.procs"
        self._folder.mkdir(exist_ok=True)
        self.path = self._folder.relative_to("/sys/fs/cgroup")

    def add(self, process: psutil.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            (self._folder / "cgroup.procs").write_text(str(process.pid))

    def remove(self) -> None:
        def is_empty() -> bool:
            pids = (self._folder / "cgroup.procs").read_text().split()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    self._home.write_text(pid)
            return not pids

        until(is_empty, "empty control group")
        self._folder.rmdir()


def _ports_to(processes: Sequence[psutil.Process], addresses: Sequence[str]) -> set[int]:
    """The local ports of their connections to these addresses."""
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("tcp"):
                if connection.raddr and connection.raddr.ip in addresses:
                    found.add(connection.laddr.port)
    return found


def _nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def _send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
