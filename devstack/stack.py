"""The whole system on one machine: starts, inspects and stops it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from devstack import (
    apps,
    environment,
    folder,
    keys,
    monitoring,
    organiser,
    ports,
    processes,
    servers,
    signals,
    static_files,
)
from devstack.errors import DevstackError
from devstack.follow import follow, sizes
from devstack.runner import NotRunningError, Runner

HEALTH_SECONDS = 60
AUTH_MODE = "open"  # unless the environment or `.env` says otherwise
_STATUS_ORDER = [*apps.NAMES, "event_db", "booking_db", "rabbitmq", "epmd", monitoring.NAME]


@dataclass(frozen=True)
class Stack:
    data: Path
    environ: Mapping[str, str]
    runner: Runner

    @classmethod
    def configured(cls, environ: Mapping[str, str]) -> Self:
        known = environment.with_dotenv(environ)
        data = environment.data_folder(known)
        return cls(data, known, Runner(data))

    def start(self) -> None:
        """Leaves everything running in the background; does nothing if it is already running."""
        folder.make(self.data)
        with folder.claimed(self.data):
            if self._is_complete():
                print(f"devstack: already running. {self._ready_line()}")
                return
            with self._stopped_on_failure():
                self._bring_up(dies_with_caller=False)
            self._announce()

    def run(self) -> None:
        """Stays in the foreground, printing logs, until interrupted or stopped from elsewhere."""
        folder.make(self.data)
        with contextlib.ExitStack() as claim:
            claim.enter_context(folder.claimed(self.data))
            if self._is_complete():
                raise DevstackError(
                    f"already running, as pid {self.runner.pid()}: "
                    "`make logs` shows what it does, `make stop` stops it"
                )
            with self._stopped_on_failure():
                before = sizes(self._app_logs)
                daemon = self._bring_up(dies_with_caller=True)
                claim.close()
                self._announce()
                follow(self._app_logs, before, while_true=lambda: daemon.poll() is None)
                if daemon.returncode != 0:
                    raise DevstackError("supervisord was killed: everything is stopped")
        print("devstack: stopped from elsewhere")

    def stop(self) -> None:
        if not self.data.exists():
            print("devstack: nothing is running")
            return
        folder.make(self.data)
        with folder.claimed(self.data), signals.ignored():
            found = self.runner.stop()
        print("devstack: stopped" if found else "devstack: nothing is running")

    def clean(self) -> None:
        self.stop()
        folder.remove(self.data)

    def status(self) -> None:
        try:
            programs = self.runner.programs()
        except NotRunningError:
            left = len(processes.of(self.data))
            print(f"devstack: {left} leftover processes" if left else "devstack: not running")
            return
        addresses = {service: apps.url(service, self.ports) for service in apps.API_PORTS}
        addresses |= servers.addresses(self.ports)
        addresses |= {
            name: f"{apps.metrics_address(name, self.ports)}/metrics" for name in apps.WORKERS
        }
        for program in sorted(programs, key=lambda each: _STATUS_ORDER.index(each.name)):
            address = addresses.get(program.name, "")
            if program.name in apps.WORKERS and program.state == "RUNNING":
                address = apps.complaint(program.name, self._worker_states) or address
            elif program.name == monitoring.NAME:
                running = program.state == "RUNNING"
                address = monitoring.url(self.ports) if running else "`make monitor` starts it"
            pid = f"pid {program.pid}" if program.pid else ""
            print(f"{program.name:<15}{program.state:<10}{pid:<12}{address}".rstrip())
        print(f"logs and data: {self.data}")

    def monitor(self) -> None:
        """Starts Prometheus, or starts it again with the rules that there are now."""
        with self._while_it_runs():
            ports_of_running = ports.configured(self.runner.environ())
            with folder.claimed(self.data):
                self.runner.stop_part(monitoring.NAME)
                monitoring.prepare(self.data, ports_of_running)
                ports.require_free(ports_of_running, [monitoring.PORT])
                self.runner.start_part(monitoring.NAME)
        url = monitoring.url(ports_of_running)
        self.runner.wait(
            partial(monitoring.is_ready, ports_of_running),
            "Prometheus was not ready",
            HEALTH_SECONDS,
        )
        print(f"devstack: Prometheus watches at {url}")

    def start_part(self, name: str) -> None:
        if name == monitoring.NAME:
            self.monitor()
            return
        with self._while_it_runs():
            started = self.runner.start_part(name)
            print(f"devstack: {name} {'started' if started else 'runs already'}")

    def stop_part(self, name: str) -> None:
        """The part stays stopped until it is started by name, or everything is started."""
        with self._while_it_runs():
            stopped = self.runner.stop_part(name)
            print(f"devstack: {name} {'stopped' if stopped else 'is not running'}")

    def client_environ(self) -> dict[str, str]:
        """The services' environment, for commands that run beside them."""
        with self._while_it_runs():
            return self.runner.environ()

    def logs(self) -> None:
        """Follows the logs of the apps until interrupted."""
        with self._while_it_runs():
            self.runner.pid()
        follow(self._app_logs, sizes(self._app_logs), while_true=self.runner.is_up)

    @property
    def ports(self) -> dict[str, int]:
        """Read only when needed: a typo in a port must not prevent stopping."""
        return ports.configured(self.environ)

    @property
    def _worker_states(self) -> Path:
        """The folder of the workers' heartbeats."""
        return Path(self.environ.get("WORKER_STATE_DIR") or self.data / "workers")

    @property
    def _app_logs(self) -> dict[str, Path]:
        return {name: self.runner.log_of(name) for name in apps.NAMES}

    def _bring_up(self, *, dies_with_caller: bool) -> subprocess.Popen[bytes]:
        if environment.dotenv_is_exposed():
            print(
                "devstack: other users may read .env, which has secrets: type `chmod 600 .env`",
                file=sys.stderr,
                flush=True,
            )
        if processes.of(self.data):
            print("devstack: stopping what an earlier, incomplete start left", flush=True)
            self.runner.stop()
        ports.require_free(self.ports, ports.required(self.environ))
        below = servers.embedded(self.data, self.environ, self.ports, fast=False)
        below.create()
        environ = {**self._app_environ(), **below.environment}
        print("devstack: starting", flush=True)
        static_files.collect(environ)
        daemon = self.runner.launch(
            [
                *below.programs,
                *apps.programs(self.ports),
                monitoring.program(self.data, self.ports),
            ],
            environ,
            dies_with_caller=dies_with_caller,
        )
        below.wait_for_databases(self.runner)
        apps.migrate(self.runner, environ)
        for service in apps.API_PORTS:
            self.runner.start_app(service)
        below.wait_for_broker(self.runner)
        for name in apps.WORKERS:
            self.runner.start_app(name)
        for service in apps.API_PORTS:
            self.runner.wait(
                partial(apps.is_healthy, service, self.ports),
                f"GET /health of the {service} API did not answer 200",
                HEALTH_SECONDS,
            )
        workers = ", ".join(apps.WORKERS)
        self.runner.wait(self._all_run, f"not all of {workers} stayed up", HEALTH_SECONDS)
        # So that the status says what each of them does, right after the start.
        self.runner.wait(self._all_begun, f"not all of {workers} began to work", HEALTH_SECONDS)
        return daemon

    def _app_environ(self) -> dict[str, str]:
        secrets = keys.load(self.data)
        defaults = {
            **{name: secrets[name] for name in keys.OF_SERVICES},
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "AUTH_MODE": AUTH_MODE,
            "LOG_FORMAT": "console",
            "WORKER_STATE_DIR": str(self._worker_states),
            **{f"{name.upper()}_PUBLIC_URL": apps.url(name, self.ports) for name in apps.API_PORTS},
            "BOOKING_URL": apps.url("booking", self.ports),
        }
        numbers = {variable: str(number) for variable, number in self.ports.items()}
        return {**defaults, **self.environ, **numbers, "PYTHONUNBUFFERED": "1"}

    def _all_run(self) -> bool:
        return all(
            program.state == "RUNNING"
            for program in self.runner.programs()
            if program.name != monitoring.NAME
        )

    def _all_begun(self) -> bool:
        return all(apps.has_begun(worker, self._worker_states) for worker in apps.WORKERS)

    def _is_complete(self) -> bool:
        return (
            self.runner.is_up()
            and self._all_run()
            and all(apps.is_healthy(service, self.ports) for service in apps.API_PORTS)
        )

    def _announce(self) -> None:
        if organiser.is_wanted(self.environ):
            print(f"devstack: {organiser.make(self.data, self.runner.environ())}", flush=True)
        print(self._ready_line(), flush=True)

    def _ready_line(self) -> str:
        urls = [f"{service} {apps.url(service, self.ports)}" for service in apps.API_PORTS]
        mode = self.environ.get("AUTH_MODE", AUTH_MODE)
        access = "; open: anyone may do anything" if mode == "open" else ""
        return f"READY  {'  '.join(urls)}  (each with /admin/{access})"

    @contextlib.contextmanager
    def _while_it_runs(self) -> Iterator[None]:
        try:
            yield
        except NotRunningError:
            raise DevstackError("not running: `make start` starts it") from None

    @contextlib.contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with signals.ignored():
                self.runner.stop()
            raise
