"""compose.yaml against the code that runs in its containers."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
APPS = [name for name, each in CONTAINERS.items() if "event-reservation" in each["image"]]

# Fixed inside the containers: what is set is the port on this machine that leads there. How long a
# command waits for the database, it says itself.
FIXED = {"EVENT_PORT", "BOOKING_PORT", "DATABASE_WAITS"}
SERVING = ROOT / "shared" / "serving"

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
# Runs a settings module, and prints every variable that is asked for while it does.
_RECORDER = """
import importlib, sys
from environs import Env
asked = set()
plain = Env._get_from_environ
def recording(self, key, default, **more):
    asked.add(key)
    return plain(self, key, default, **more)
Env._get_from_environ = recording
importlib.import_module(sys.argv[1])
print("\\n".join(sorted(asked)))
"""


def service_of(container: str) -> str:
    command = " ".join(CONTAINERS[container]["command"])
    (service,) = {each for each in ("event", "booking") if f"{each}." in command}
    return service


def variables_in(file: Path, service: str) -> set[str]:
    """The names in calls on `env`, or with `env`, whatever else decides if they are made."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        callee = node.func.value if isinstance(node.func, ast.Attribute) else None
        heads = [callee, *node.args[:1]]
        if any(isinstance(head, ast.Name) and head.id in ("env", "_env") for head in heads):
            texts = {_text(argument, service) for argument in node.args[:2]}
            found |= {text for text in texts if _VARIABLE.fullmatch(text)}
    return found - {service.upper()}


def _text(argument: ast.expr, service: str) -> str:
    """A string, also one that begins with the name of the service: f"{service}_DATABASE_URL"."""
    if isinstance(argument, ast.JoinedStr):
        return "".join(
            service.upper() if isinstance(part, ast.FormattedValue) else _text(part, service)
            for part in argument.values
        )
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


def variables_of(service: str) -> set[str]:
    """What the settings of the service may ask for, in any mode."""
    files = [
        file
        for package in (ROOT / "shared", ROOT / f"{service}_project")
        for file in package.rglob("*.py")
        if SERVING not in file.parents
    ]
    return set().union(*(variables_in(file, service) for file in files))


def wanted_by(container: str) -> set[str]:
    service = service_of(container)
    wanted = variables_of(service)
    if "gunicorn" in " ".join(CONTAINERS[container]["command"]):
        for file in (SERVING / "config.py", ROOT / "deploy" / f"gunicorn_{service}.py"):
            wanted |= variables_in(file, service)
    return wanted - FIXED


@pytest.mark.parametrize("container", APPS)
def test_each_variable_that_is_read_is_handed_to_the_container(container: str) -> None:
    missing = wanted_by(container) - set(CONTAINERS[container]["environment"])

    assert not missing, f"{container} does not get {sorted(missing)}"


@pytest.mark.parametrize("container", APPS)
def test_nothing_is_handed_to_a_container_that_nobody_reads(container: str) -> None:
    unknown = set(CONTAINERS[container]["environment"]) - wanted_by(container)

    assert not unknown, f"{container} gets {sorted(unknown)}, which its service does not read"


@pytest.mark.parametrize("service", ["event", "booking"])
@pytest.mark.parametrize("mode", ["open", "jwt"])
def test_these_tests_know_all_that_the_settings_ask_for(service: str, mode: str) -> None:
    """A name that is put together while the settings run would escape `variables_in`."""
    environ = {
        **os.environ,
        "AUTH_MODE": mode,
        "JWT_ISSUER": "issuer",
        "JWT_AUDIENCE": "audience",
        "JWT_SECRET": "s" * 32,
        f"{service.upper()}_SECRET_KEY": "k" * 32,
        f"{service.upper()}_DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "RABBITMQ_URL": "amqp://127.0.0.1:9/",
    }
    for name in ("DJANGO_SETTINGS_MODULE", "JWT_JWKS_URL", "DEBUG"):
        environ.pop(name, None)
    asked = subprocess.run(
        [sys.executable, "-c", _RECORDER, f"{service}_project.settings"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {"RABBITMQ_URL", "OUTBOX_RETENTION"} <= set(asked)
    assert set(asked) <= variables_of(service)


@pytest.mark.parametrize("container", APPS)
def test_each_variable_is_explained_in_the_example(container: str) -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert wanted_by(container) <= example


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_container_can_use_up_the_machine(container: str) -> None:
    settings = CONTAINERS[container]

    assert settings["mem_limit"]
    assert settings["pids_limit"]
    assert all("size=" in each for each in settings.get("tmpfs", ()))


def test_only_the_apis_have_ports_on_this_machine() -> None:
    published = {name for name, each in CONTAINERS.items() if "ports" in each}

    assert published == {"event-api", "booking-api"}


def test_databases_are_healthy_only_if_one_can_log_in_to_them() -> None:
    for name in ("event-db", "booking-db"):
        probe = CONTAINERS[name]["healthcheck"]["test"][-1]
        assert "psql" in probe
        assert "PGPASSWORD" in probe
        assert "--dbname" in probe
