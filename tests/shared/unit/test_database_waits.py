"""How long each kind of process waits. The deadline never cuts off a working server."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from shared.conf.env import Environment
from shared.db.waits import BEYOND_LOCK_MS, Waits, read_waits

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_WAITS", "EVENT_STATEMENT_TIMEOUT_MS", "BOOKING_STATEMENT_TIMEOUT_MS"):
        monkeypatch.delenv(name, raising=False)


def waits(**options: int) -> Waits:
    return read_waits(Environment(), "EVENT", **options)


@pytest.mark.parametrize("kind", ["short", "long"])
@pytest.mark.parametrize("lock_timeout_ms", [0, 2000, 60000])
def test_the_deadline_comes_after_every_timeout_of_the_server(
    monkeypatch: pytest.MonkeyPatch, kind: str, lock_timeout_ms: int
) -> None:
    monkeypatch.setenv("DATABASE_WAITS", kind)
    found = waits(lock_timeout_ms=lock_timeout_ms)
    assert found.statement_timeout_ms >= lock_timeout_ms + BEYOND_LOCK_MS
    assert found.response_timeout is not None
    assert found.response_timeout * 1000 > found.statement_timeout_ms


def test_requests_wait_for_a_shorter_time_than_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = waits()
    monkeypatch.setenv("DATABASE_WAITS", "short")
    request = waits()
    assert (request.response_timeout or 0) < (worker.response_timeout or 0)


def test_only_requests_heed_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_STATEMENT_TIMEOUT_MS", "700")
    assert waits().statement_timeout_ms > 700
    monkeypatch.setenv("DATABASE_WAITS", "short")
    assert waits().statement_timeout_ms == 700


def test_a_migration_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_WAITS", "unlimited")
    assert waits() == Waits(statement_timeout_ms=0, response_timeout=None)


@pytest.mark.parametrize("milliseconds", ["5000", "45000"])
def test_gunicorn_waits_longer_for_a_request_than_the_request_for_the_database(
    monkeypatch: pytest.MonkeyPatch, milliseconds: str
) -> None:
    monkeypatch.setenv("BOOKING_STATEMENT_TIMEOUT_MS", milliseconds)
    # Imported again, as by a gunicorn that starts.
    monkeypatch.delitem(sys.modules, "shared.serving.config", raising=False)
    # gunicorn's configuration sets it for this process; this lets monkeypatch undo that.
    monkeypatch.setenv("DATABASE_WAITS", "short")
    configuration = runpy.run_path(str(ROOT / "deploy" / "gunicorn_booking.py"))
    assert configuration["graceful_timeout"] > int(milliseconds) / 1000 + 2


SHOW = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_shell_has_no_limit_and_other_commands_have_one(service: str) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "AUTH_MODE": "open",
        "RABBITMQ_URL": "amqp://127.0.0.1:9/",
        f"{service.upper()}_SECRET_KEY": "k" * 40,
        f"{service.upper()}_DATABASE_URL": "postgresql://127.0.0.1:9/nothing",
    }

    def options(*command: str) -> str:
        answer = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return answer.stdout

    unlimited = options(f"manage_{service}.py", "shell", "--verbosity=0", "-c", SHOW)
    assert "'response_timeout': None" in unlimited
    assert "-c statement_timeout=0 " in unlimited
    setup = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = '{service}_project.settings'; "
    limited = options("-c", setup + SHOW)
    assert "'response_timeout': 22.0" in limited
    assert "-c statement_timeout=20000 " in limited
