import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import organiser
from devstack.environment import ROOT
from tests.support.devstack.runs import Devstack, left_of
from tests.support.waiting import until

# Enough if a test ends before it needs the broker: RabbitMQ takes seconds to start.
NO_BROKER = {"RABBITMQ_URL": "amqp://127.0.0.1:9/"}
TOO_SHORT = {"EVENT_SECRET_KEY": "short"}


@pytest.fixture
def data(environ: dict[str, str]) -> Path:
    return Path(environ["DEVSTACK_DATA"])


def test_stopping_when_nothing_runs_is_not_an_error(devstack: Devstack, data: Path) -> None:
    done = devstack("stop")
    assert (done.stdout, done.returncode) == ("devstack: nothing is running\n", 0)
    assert not data.exists()


def test_a_typo_in_a_port_does_not_prevent_stopping(devstack: Devstack) -> None:
    assert devstack("start", EVENT_PORT="abc").returncode == 1
    assert devstack("stop", EVENT_PORT="abc").returncode == 0


def test_a_taken_port_stops_the_start_before_anything_runs(
    devstack: Devstack, environ: dict[str, str], data: Path
) -> None:
    with socket.create_server(("127.0.0.1", int(environ["RABBITMQ_PORT"]))):
        done = devstack("start")
    assert done.returncode == 1
    assert "which RabbitMQ needs, is taken" in done.stderr
    assert "set RABBITMQ_PORT" in done.stderr
    assert left_of(data) == []


def test_a_failing_start_shows_why_and_leaves_nothing(devstack: Devstack, data: Path) -> None:
    done = devstack("start", **NO_BROKER, **TOO_SHORT)
    assert done.returncode == 1
    assert "migrate_event failed" in done.stderr
    assert "EVENT_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr
    assert left_of(data) == []


def test_what_a_killed_start_left_is_stopped(
    devstack: Devstack, environ: dict[str, str], data: Path
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "devstack", "start"], cwd=ROOT, env=environ | NO_BROKER
    )
    until(lambda: len(left_of(data)) >= 3, "processes of the start")
    assert killed.poll() is None
    killed.kill()
    killed.wait()
    done = devstack("stop")
    assert (done.stdout, done.returncode) == ("devstack: stopped\n", 0)
    assert left_of(data) == []


def test_everything_starts_and_stops(
    devstack: Devstack, environ: dict[str, str], data: Path
) -> None:
    first = devstack("start")
    assert first.returncode == 0, first.stderr
    ready = first.stdout.splitlines()[-1]
    assert ready.startswith("READY")
    assert f"http://localhost:{environ['BOOKING_PORT']}" in ready
    kept = data / "organiser-password"
    assert kept.stat().st_mode & 0o777 == 0o600
    password = kept.read_text().strip()
    assert f"log in to both as 'organiser' with the password {password}\n" in first.stdout
    for service in ("event", "booking"):
        assert is_manager(devstack, service, password)

    assert "already running. READY" in devstack("start").stdout
    status = devstack("status").stdout
    assert status.count("RUNNING") == 10
    assert f"http://localhost:{environ['EVENT_PORT']}" in status

    with pause_of_the_broker(data):
        until(
            lambda: devstack("status").stdout.count("connecting to the broker") == 4,
            "status that says what the four workers wait for",
            seconds=120,
        )
        assert devstack("status").stdout.count("RUNNING") == 9, "they go on trying"
    until(
        lambda: "connecting to the broker" not in devstack("status").stdout,
        "workers that found the broker again",
        seconds=120,
    )

    stopped = devstack("stop")
    assert (stopped.stdout, stopped.returncode) == ("devstack: stopped\n", 0)
    assert left_of(data) == []


def is_manager(devstack: Devstack, service: str, password: str) -> bool:
    """Whether the password is that of an organiser in the group of managers."""
    code = (
        "from django.contrib.auth.models import User\n"
        "user = User.objects.get(username='organiser')\n"
        f"print(user.is_staff, user.is_superuser, user.check_password({password!r}),"
        " [each.name for each in user.groups.all()])"
    )
    shown = devstack("manage", service, "--", "shell", "--verbosity", "0", "-c", code)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip() == "True False True ['manager']"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, True),
        ({"AUTH_MODE": "open"}, True),
        ({"AUTH_MODE": "jwt"}, False),
        ({"EVENT_DATABASE_URL": "postgresql://host/event"}, False),
    ],
)
def test_there_is_an_organiser_only_where_everything_is_open_and_our_own(
    environ: dict[str, str], wanted: bool
) -> None:
    assert organiser.is_wanted(environ) is wanted


def test_a_password_that_exists_is_not_shown_again(tmp_path: Path) -> None:
    file = tmp_path / "organiser-password"
    file.write_text("secret\n")

    told = organiser.make(tmp_path, {})

    assert str(file) in told
    assert "secret" not in told


def test_a_failure_to_make_the_organiser_is_told_and_stops_nothing(tmp_path: Path) -> None:
    told = organiser.make(tmp_path, TOO_SHORT)

    assert told.startswith("no organiser was made in the event service: ")
    assert not (tmp_path / "organiser-password").exists()


@contextlib.contextmanager
def pause_of_the_broker(data: Path) -> Iterator[None]:
    """Stops RabbitMQ for the block; its process runner starts it again afterwards."""
    config = str(data / "supervisord.conf")
    control = [sys.executable, "-m", "supervisor.supervisorctl", "-c", config]
    subprocess.run([*control, "stop", "broker:rabbitmq"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([*control, "start", "broker:rabbitmq"], check=True, capture_output=True)
