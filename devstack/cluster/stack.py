"""Starts, inspects and stops the cluster."""

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from devstack import (
    apps,
    environment,
    folder,
    keys,
    postgres,
    processes,
    rabbitmq,
    signals,
    static_files,
)
from devstack.cluster import brokers, layout, programs
from devstack.cluster.databases import Databases
from devstack.cluster.layout import Layout
from devstack.cluster.proxies import Proxies
from devstack.cluster.services import Services
from devstack.errors import DevstackError
from devstack.runner import NotRunningError, Program, Runner

START_SECONDS = 180
ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Cluster:
    data: Path
    environ: Mapping[str, str]
    where: Layout
    runner: Runner

    @classmethod
    def configured(cls, environ: Mapping[str, str]) -> Self:
        known = environment.with_dotenv(environ)
        chosen = Path(known.get("CLUSTER_DATA", ".devstack-cluster")).expanduser()
        data = (environment.ROOT / chosen).resolve()
        return cls(data, known, Layout.configured(known), Runner(data))

    def start(self) -> None:
        """Leaves everything running in the background; does nothing if it is already running."""
        folder.make(self.data)
        with folder.claimed(self.data):
            if self.is_complete():
                print(f"cluster: already running. {self._ready_line()}")
                return
            try:
                self._bring_up()
            except BaseException:
                with signals.ignored():
                    self.runner.stop()
                raise
        print(self._ready_line(), flush=True)

    def stop(self) -> None:
        if not self.data.exists():
            print("cluster: nothing is running")
            return
        with folder.claimed(self.data), signals.ignored():
            found = self.runner.stop()
        print("cluster: stopped" if found else "cluster: nothing is running")

    def clean(self) -> None:
        self.stop()
        folder.remove(self.data)

    def status(self) -> None:
        try:
            running = self.runner.programs()
        except NotRunningError:
            left = len(processes.of(self.data))
            print(f"cluster: {left} leftover processes" if left else "cluster: not running")
            return
        primaries = {service: self.databases.primary(service) for service in layout.DATABASES}
        for program in running:
            note = ""
            for service, pair in layout.DATABASES.items():
                if program.name in pair:
                    note = "primary" if primaries[service] == program.name else "standby"
            if program.name in layout.EDGES:
                note = "  ".join(self.where.url(each, program.name) for each in layout.DATABASES)
            pid = f"pid {program.pid}" if program.pid else ""
            print(f"{program.name:<20}{program.state:<10}{pid:<12}{note}".rstrip())
        print(f"logs and data: {self.data}")

    @property
    def databases(self) -> Databases:
        return Databases(self.servers_folder, self.where, keys.load(self.data), self._as_user)

    @property
    def services(self) -> Services:
        return Services(self.data, self.where, keys.load(self.data))

    @property
    def brokers(self) -> list[brokers.Node]:
        return brokers.nodes(folder=self.data, where=self.where, secrets=keys.load(self.data))

    @property
    def servers_folder(self) -> Path:
        """What PostgreSQL's user may read and write."""
        return postgres.reachable(self.data, self._as_user) / "servers"

    @property
    def _as_user(self) -> tuple[str, ...]:
        return postgres.as_user() if environment.is_root() else ()

    def manage_environ(self) -> dict[str, str]:
        """The environment of a management command on the first machine with services."""
        return {**self._service_environ(), **self.services.environment(layout.APPS[0])}

    def _bring_up(self) -> None:
        if processes.of(self.data):
            print("cluster: stopping what an earlier, incomplete start left", flush=True)
            self.runner.stop()
        self._require_same_network()
        log = self.data / "log" / "apt.log"
        rabbitmq.install(log)
        programs.install(log)
        self._require_free_addresses()
        environ = self._service_environ()
        static_files.collect(self.manage_environ())
        self._create()
        print("cluster: starting", flush=True)
        self.runner.launch(self._programs(), environ, dies_with_caller=False)
        for service in layout.DATABASES:
            self._wait(
                partial(self.databases.has_database, service),
                f"the {service} service has no primary",
            )
            self._wait(
                partial(self.databases.is_redundant, service),
                f"the {service} service has no synchronous standby",
            )
        for node in self.brokers:
            self._wait(node.accepts, f"{node.name} did not answer")
        # Before the queues are declared: each then has a copy on every node.
        self._wait(self.brokers[0].sees_all, "not all RabbitMQ nodes joined")
        apps.migrate(self.runner, self.manage_environ())
        for program in self.services.programs:
            self.runner.start_app(program.name)
        self._wait(self.is_complete, "not everything became ready")

    def _create(self) -> None:
        servers = self.servers_folder
        servers.mkdir(parents=True, exist_ok=True)
        servers.chmod(0o700)
        self.databases.create()
        self._proxies.create()
        if self._as_user:
            user = postgres.account().pw_name
            subprocess.run(["chown", "-R", f"{user}:", str(servers)], check=True)
        for broker in self.brokers:
            broker.create()
        for node in layout.WORKER_APPS:
            (self.data / "workers" / node).mkdir(parents=True, exist_ok=True)

    @property
    def _proxies(self) -> Proxies:
        return Proxies(self.servers_folder, self.where, keys.load(self.data), self._as_user)

    def _programs(self) -> list[Program]:
        return [
            *self.databases.programs,
            brokers.epmd(),
            *(program for node in self.brokers for program in node.programs),
            *self._proxies.programs,
            *self.services.programs,
        ]

    def _service_environ(self) -> dict[str, str]:
        secrets = keys.load(self.data)
        hosts = ["localhost", *(self.where.address(node) for node in (*layout.EDGES, *layout.APPS))]
        defaults = {
            **{name: secrets[name] for name in keys.OF_SERVICES},
            "ALLOWED_HOSTS": ",".join(hosts),
            "AUTH_MODE": "open",
            "LOG_FORMAT": "console",
            "EVENT_WORKERS": "1",
            "BOOKING_WORKERS": "2",
            **{f"{name.upper()}_PUBLIC_URL": self.where.url(name) for name in layout.DATABASES},
            "BOOKING_URL": self.where.url("booking"),
        }
        fixed = {
            "EVENT_PORT": str(self.where.event_port),
            "BOOKING_PORT": str(self.where.booking_port),
            "TRUSTED_PROXIES": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return {**defaults, **self.environ, **fixed}

    def is_complete(self) -> bool:
        if not self.runner.is_up():
            return False
        if any(program.state != "RUNNING" for program in self.runner.programs()):
            return False
        ready = [("event", node) for node in layout.EVENT_APPS]
        ready += [("booking", node) for node in layout.APPS]
        edges = [(service, node) for service in layout.DATABASES for node in layout.EDGES]
        return all(self._answers(*each, "/health/ready") for each in ready) and all(
            self._answers(*each, "/health") for each in edges
        )

    def _answers(self, service: str, node: str, path: str) -> bool:
        return apps.answers(
            self.where.api_port(service),
            path,
            host=self.where.address(node),
            seconds=ANSWER_SECONDS,
        )

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        self.runner.wait(ready, what, START_SECONDS)

    def _require_same_network(self) -> None:
        """etcd and Patroni keep the addresses of their members."""
        file = self.data / "network"
        if not file.exists():
            file.write_text(self.where.network)
        made_on = file.read_text()
        if made_on != self.where.network:
            raise DevstackError(
                f"{self.data} was made with CLUSTER_NETWORK={made_on}: set that again, or set "
                "CLUSTER_DATA to another folder"
            )

    def _require_free_addresses(self) -> None:
        for address, port, owner in self.where.listeners:
            with _probe() as probe:
                try:
                    probe.bind((address, port))
                except OSError as refusal:
                    raise DevstackError(
                        f"{address}:{port} for {owner} cannot be used ({refusal.strerror}): stop "
                        "what uses it, or set CLUSTER_NETWORK, EVENT_PORT or BOOKING_PORT"
                    ) from None

    def _ready_line(self) -> str:
        urls = "  ".join(f"{each} {self.where.url(each)}" for each in layout.DATABASES)
        return f"READY  {urls}  (also at 127.0.0.2)"


@contextlib.contextmanager
def _probe() -> Iterator[socket.socket]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield probe
