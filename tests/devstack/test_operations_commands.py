"""Every command in docs/operations.md can be typed as it is."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from devstack import apps

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
CONTAINERS = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

_FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make |docker compose |deploy/docker/)[^`]+)`")
# Parses management commands' words as the commands themselves would, and runs nothing.
_PARSE = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[1] + "_project.settings"
import django
django.setup()
from django.core.management import get_commands, load_command_class
for name, *words in json.load(sys.stdin):
    if name == "help":
        assert set(words) <= set(get_commands())
    else:
        command = load_command_class(get_commands()[name], name)
        command.create_parser("manage.py", name).parse_args(words)
    print(name)
"""


def commands() -> list[str]:
    fenced = [line for block in _FENCE.findall(TEXT) for line in block.splitlines()]
    found = [shlex.join(shlex.split(line, comments=True)) for line in fenced if line.strip()]
    return list(dict.fromkeys([*found, *map(shlex.join, map(shlex.split, _INLINE.findall(TEXT)))]))


def management_command(words: list[str]) -> tuple[str, list[str]] | None:
    """The service and the words after manage_….py; None for other commands."""
    match words:
        case ["make", "manage-event" | "manage-booking" as target, arguments]:
            return target.removeprefix("manage-"), shlex.split(arguments.removeprefix("ARGS="))
        case ["docker", "compose", "exec", _, "python", script, *given]:
            return script.removeprefix("manage_").removesuffix(".py"), given
    return None


def test_there_are_commands() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize("command", commands())
def test_what_the_command_names_exists(command: str) -> None:
    match shlex.split(command):
        case ["make", target, *assignments]:
            done = subprocess.run(
                ["make", "--dry-run", target, *assignments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            if part := re.fullmatch("(?:start|stop)-([a-z_]+)", target):
                assert part[1] in apps.NAMES
        case ["docker", "compose", "exec", container, program, *_]:
            assert container in CONTAINERS
            assert program in ("python", "sh", "rabbitmqctl")
        case [script, *_]:
            assert (ROOT / script).stat().st_mode & 0o100


@pytest.mark.parametrize("service", ["event", "booking"])
def test_its_management_command_takes_these_words(service: str) -> None:
    found = filter(None, (management_command(shlex.split(each)) for each in commands()))
    words = [given for of, given in found if of == service]
    assert words

    done = subprocess.run(
        [sys.executable, "-c", _PARSE, service],
        cwd=ROOT,
        env={
            **os.environ,
            "AUTH_MODE": "open",
            f"{service.upper()}_SECRET_KEY": "k" * 32,
            f"{service.upper()}_DATABASE_URL": "postgresql://127.0.0.1:9/none",
            "RABBITMQ_URL": "amqp://127.0.0.1:9/",
        },
        input=json.dumps(words),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(words)


def test_all_named_parts_and_containers_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \|", TEXT, re.MULTILINE)

    assert {part for part, _ in rows} == set(apps.NAMES)
    assert {container for _, container in rows} <= set(CONTAINERS)
