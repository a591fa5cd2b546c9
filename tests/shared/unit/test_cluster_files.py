"""What `deploy/cluster` says, compared with the settings and with what `make cluster` fills in."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "cluster"
FILES = sorted(
    each.name for each in FOLDER.iterdir() if each.name not in ("cluster.env", "render.sh")
)
SHOW = "from django.conf import settings; print(settings.DATABASES['default'])"
PASSWORDS = (
    *("EVENT_DB_PASSWORD", "BOOKING_DB_PASSWORD"),
    *("POSTGRES_PASSWORD", "REPLICATION_PASSWORD", "PATRONI_PASSWORD"),
)


def database(service: str, **environ: str) -> str:
    """As an API has it."""
    answer = subprocess.run(
        [sys.executable, "-c", f"import os; {SHOW}"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AUTH_MODE": "open",
            "DATABASE_WAITS": "short",
            "DJANGO_SETTINGS_MODULE": f"{service}_project.settings",
            "RABBITMQ_URL": "amqp://127.0.0.1:9/",
            f"{service.upper()}_SECRET_KEY": "k" * 40,
            f"{service.upper()}_DATABASE_URL": "postgresql://127.0.0.1:9/nothing",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return answer.stdout


def rendered(name: str, passwords: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FOLDER / "render.sh", name, *(f"{key}={value}" for key, value in passwords.items())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("service", ["event", "booking"])
def test_pgbouncer_sets_what_a_session_sets_without_it(service: str) -> None:
    own = dict(re.findall(r"-c (\w+)=(\w+)", database(service)))
    (line,) = re.findall(
        rf"^{service} = .*connect_query='(.*)'$",
        (FOLDER / "pgbouncer.ini").read_text(),
        re.MULTILINE,
    )

    assert dict(re.findall(r"SET (\w+) = (\w+)", line)) == own


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_pooled_session_has_no_options_and_no_cursors_of_the_server(service: str) -> None:
    pooled = database(service, DATABASE_POOLER="transaction")

    assert "'options'" not in pooled
    assert "'DISABLE_SERVER_SIDE_CURSORS': True" in pooled
    assert "'DISABLE_SERVER_SIDE_CURSORS': False" in database(service)


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_complete_with_the_values_of_the_example(name: str) -> None:
    text = rendered(name, dict.fromkeys(PASSWORDS, "s3cret"))

    assert text.returncode == 0, text.stderr
    assert "${" not in text.stdout


def test_a_missing_password_is_named() -> None:
    refused = rendered("userlist.txt", {"EVENT_DB_PASSWORD": "s3cret"})

    assert refused.returncode == 1
    assert "userlist.txt needs BOOKING_DB_PASSWORD" in refused.stderr
