"""Both services with everything they need, as processes of this test session."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from devstack import citus
from devstack.ports import free_port
from tests.support.end_to_end.processes import ROOT, Part
from tests.support.end_to_end.servers import fresh_database, fresh_vhost, required
from tests.support.waiting import PATIENCE_SECONDS, until

SECRET = "only-for-this-test-session-and-at-least-32-long"


@dataclass
class System:
    """Where the services answer. `own` has their processes, unless they run elsewhere."""

    event_url: str
    booking_url: str
    own: "OwnProcesses | None" = None


@dataclass
class OwnProcesses:
    folder: Path
    environ: dict[str, str]
    event: Part
    booking: Part
    consumer: Part
    relay: Part
    booking_relay: Part
    notifier: Part
    extra: list[Part] = field(default_factory=list)

    @property
    def regular(self) -> list[Part]:
        return [
            self.event,
            self.booking,
            self.consumer,
            self.relay,
            self.booking_relay,
            self.notifier,
        ]

    @property
    def mails(self) -> Path:
        """The folder that the notifier sends its mails to."""
        return mail_folder(self.folder)

    @contextlib.contextmanager
    def another_service(
        self, service: str, name: str, *, port: int | None = None, **environ: str
    ) -> Iterator[str]:
        """One more of a service, on the same servers unless told otherwise. Yields its URL."""
        port = port or free_port()
        part = gunicorn(service, port, {**self.environ, **environ}, self.folder, name=name)
        with self.running(part):
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url, part)
            yield url

    @contextlib.contextmanager
    def another_relay(self, name: str, **environ: str) -> Iterator[Part]:
        part = relay({**self.environ, **environ}, self.folder, name=name)
        with self.running(part):
            yield part

    @contextlib.contextmanager
    def running(self, part: Part) -> Iterator[None]:
        self.extra.append(part)
        part.start()
        try:
            yield
        finally:
            part.kill()

    @contextlib.contextmanager
    def stopped(self, part: Part) -> Iterator[None]:
        """Stops this part for the block; afterwards it is ready again."""
        assert part.stop() == 0, f"{part.name} ended badly"
        try:
            yield
        finally:
            self.ensure_running()

    def ensure_running(self) -> None:
        for part in self.regular:
            if not part.is_running:
                part.start()
        wait_until_healthy(self.url_of(self.event), self.event)
        wait_until_healthy(self.url_of(self.booking), self.booking)

    def url_of(self, part: Part) -> str:
        variable = "EVENT_PORT" if part is self.event else "BOOKING_PORT"
        return f"http://127.0.0.1:{self.environ[variable]}"


def gunicorn(
    service: str,
    port: int,
    environ: Mapping[str, str],
    folder: Path,
    *,
    name: str | None = None,
    checkout: Path = ROOT,
    listener: socket.socket | None = None,
) -> Part:
    arguments = ["-m", "gunicorn", "-c", f"deploy/gunicorn_{service}.py", f"{service}_project.wsgi"]
    environ = {**environ, f"{service.upper()}_PORT": str(port)}
    return Part(
        name or f"{service}-api",
        arguments,
        environ,
        folder,
        checkout=checkout,
        listener=listener,
    )


def relay(environ: Mapping[str, str], folder: Path, *, name: str = "relay") -> Part:
    return Part(name, ["manage_event.py", "relay_outbox"], environ, folder)


def mail_folder(folder: Path) -> Path:
    return folder / "mails"


def wait_until_healthy(url: str, part: Part) -> None:
    def answers() -> bool:
        assert part.is_running, f"{part.name} ended:\n{part.text()}"
        try:
            return httpx.get(f"{url}/health", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    until(answers, f"answer from {part.name}")


@contextlib.contextmanager
def own_system(folder: Path, *, public: bool = False, **settings: str) -> Iterator[System]:
    """Everything on fresh databases and a fresh virtual host; all of it gone afterwards. The
    services know where browsers reach them if they are `public`."""
    with contextlib.ExitStack() as stack:
        environ = {
            **neutral_environ(),
            **settings,
            "EVENT_DATABASE_URL": stack.enter_context(
                fresh_database(required("EVENT_DATABASE_URL"))
            ),
            **stack.enter_context(fresh_booking_database()),
            "RABBITMQ_URL": stack.enter_context(fresh_vhost(required("RABBITMQ_URL"))),
            "EVENT_PORT": str(free_port()),
            "BOOKING_PORT": str(free_port()),
            "EMAIL_URL": f"file:///{mail_folder(folder)}",
        }
        environ["BOOKING_URL"] = f"http://127.0.0.1:{environ['BOOKING_PORT']}"
        if public:
            environ |= {
                f"{service}_PUBLIC_URL": f"http://127.0.0.1:{environ[f'{service}_PORT']}"
                for service in ("EVENT", "BOOKING")
            }
        migrate(environ)
        distribute_if_asked_for(environ)
        own = OwnProcesses(
            folder=folder,
            environ=environ,
            event=gunicorn("event", int(environ["EVENT_PORT"]), environ, folder),
            booking=gunicorn("booking", int(environ["BOOKING_PORT"]), environ, folder),
            consumer=Part("consumer", ["manage_booking.py", "consume_events"], environ, folder),
            relay=relay(environ, folder),
            booking_relay=Part(
                "booking-relay", ["manage_booking.py", "relay_outbox"], environ, folder
            ),
            notifier=Part("notifier", ["manage_booking.py", "notify_bookings"], environ, folder),
        )
        for part in own.regular:
            stack.callback(part.kill)
            part.start()
        own.ensure_running()
        yield System(own.url_of(own.event), own.url_of(own.booking), own)
        for part in own.regular:
            assert part.stop() == 0, f"{part.name} ended badly"


@contextlib.contextmanager
def fresh_booking_database() -> Iterator[dict[str, str]]:
    """What the booking service needs to use it. With `CITUS_DATABASE_URL` it is on all nodes."""
    environ = citus.booking_environment(os.environ)
    url = required("BOOKING_DATABASE_URL")
    name = f"end_to_end_{secrets.token_hex(4)}"
    with citus.fresh_database(url, name) if environ else fresh_database(url) as database:
        yield {**environ, "BOOKING_DATABASE_URL": database}


def distribute_if_asked_for(environ: Mapping[str, str]) -> None:
    if environ.get("BOOKING_DISTRIBUTION") == "citus":
        done = subprocess.run(
            [sys.executable, "manage_booking.py", "distribute", "--yes", "--shards=6"],
            cwd=ROOT,
            env=dict(environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def neutral_environ() -> dict[str, str]:
    """The environment without the developer's settings of the services."""
    ours = ("EVENT_", "BOOKING_", "ADMISSION_", "EMAIL_", "DJANGO_", "GUNICORN_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    for name in (
        "DATABASE_WAITS",
        "DEBUG",
        "ALLOWED_HOSTS",
        "LOG_LEVEL",
        "BIND_HOST",
        "DEFAULT_FROM_EMAIL",
        "NOTIFICATION_ADDRESS",
    ):
        kept.pop(name, None)
    secrets = {"EVENT_SECRET_KEY": f"event-{SECRET}", "BOOKING_SECRET_KEY": f"booking-{SECRET}"}
    return {**kept, **secrets, "AUTH_MODE": "open", "PYTHONUNBUFFERED": "1"}


def migrate(environ: Mapping[str, str], *, checkout: Path = ROOT) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, script, "migrate", "--verbosity=0"],
            cwd=checkout,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for script in ("manage_event.py", "manage_booking.py")
    ]
    for process in running:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output.decode()


def manage(service: str, environ: Mapping[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, f"manage_{service}.py", *words],
        cwd=ROOT,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
