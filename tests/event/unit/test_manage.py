"""`manage_event.py` runs the event service, whatever the folder and the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
SHOW = [
    "shell",
    "--verbosity=0",
    "-c",
    "from django.conf import settings; print(settings.ROOT_URLCONF)",
]
ENVIRON = {
    "PATH": os.environ["PATH"],
    "AUTH_MODE": "open",
    "EVENT_SECRET_KEY": "e" * 40,
    "EVENT_DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "RABBITMQ_URL": "amqp://127.0.0.1:1/",
}


def manage(
    *arguments: str, environ: dict[str, str] = ENVIRON, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage_event.py"), *arguments],
        env=environ,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def test_a_stray_settings_module_is_overruled() -> None:
    answer = manage(
        *SHOW, environ={**ENVIRON, "DJANGO_SETTINGS_MODULE": "booking_project.settings"}
    )

    assert answer.stdout.strip() == "event_project.urls", answer.stderr


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    answer = manage(*SHOW, cwd=tmp_path)

    assert answer.stdout.strip() == "event_project.urls", answer.stderr


def test_its_own_settings_may_be_named() -> None:
    answer = manage("check", "--settings=event_project.settings")

    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    "option",
    [["--settings=booking_project.settings"], ["--settings", "booking_project.settings"]],
)
def test_the_other_services_settings_are_refused_in_a_sentence(option: list[str]) -> None:
    answer = manage("check", *option)

    assert answer.returncode != 0
    assert "event_project.settings only, not with booking_project.settings" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "name", ["EVENT_SECRET_KEY", "EVENT_DATABASE_URL", "RABBITMQ_URL", "AUTH_MODE"]
)
def test_a_missing_variable_stops_the_start_with_a_sentence_that_names_it(name: str) -> None:
    answer = manage("check", environ={k: v for k, v in ENVIRON.items() if k != name})

    assert answer.returncode != 0
    assert answer.stderr.startswith(f"Environment variable {name}: ")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_SECRET_KEY", "short"),
        ("EVENT_DATABASE_URL", "not a url"),
        ("DEBUG", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_variable_stops_the_start_with_a_sentence_that_names_it(
    name: str, value: str
) -> None:
    answer = manage("check", environ={**ENVIRON, name: value})

    assert answer.returncode != 0
    assert answer.stderr.startswith(f"Environment variable {name}: ")
    assert "Traceback" not in answer.stderr


def test_all_missing_variables_are_named_at_once() -> None:
    answer = manage("check", environ={"PATH": os.environ["PATH"]})

    missing = {line.split()[2].rstrip(":") for line in answer.stderr.splitlines()}
    assert missing == {"EVENT_SECRET_KEY", "EVENT_DATABASE_URL", "RABBITMQ_URL", "AUTH_MODE"}


def test_the_wsgi_application_is_the_event_services_whatever_the_environment_says() -> None:
    script = (
        "import event_project.wsgi; from django.conf import settings; print(settings.ROOT_URLCONF)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**ENVIRON, "DJANGO_SETTINGS_MODULE": "booking_project.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert answer.stdout.strip() == "event_project.urls", answer.stderr
