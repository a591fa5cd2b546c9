"""What README, CONTRIBUTING and docs/ tell the reader to type can be typed as it is."""

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
from devstack.environment import ROOT
from tests.support.devstack.documents import DOCUMENTS, Block, blocks, commands, shell_blocks
from tests.support.devstack.runs import Devstack
from tests.support.devstack.typed import type_all
from tests.support.waiting import PATIENCE_SECONDS

OPERATIONS = ROOT / "docs" / "operations.md"
# Their blocks without a marker are run, by the tests below.
RUN = {
    "README.md",
    "docs/integrate.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/tutorial.md",
}
# What it says was true of its version.
HISTORY = {"CHANGELOG.md"}
CONTAINERS = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

_PATH = re.compile(r"`((?:deploy|devstack|docs|shared|bench|clients|\w+_project|tests)/[\w./-]+)`")
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

current = pytest.mark.parametrize(
    "document",
    [pytest.param(path, id=path.name) for path in DOCUMENTS if path.name not in HISTORY],
)


def management_command(words: list[str]) -> tuple[str, list[str]] | None:
    """The service and the words after manage_….py; None for other commands."""
    match words:
        case ["make", "manage-event" | "manage-booking" as target, arguments]:
            given = shlex.split(arguments.removeprefix("ARGS="))
            return (target.removeprefix("manage-"), given) if given != ["…"] else None
        case ["docker", "compose", "exec", _, "python", script, *given]:
            return script.removeprefix("manage_").removesuffix(".py"), given
    return None


def named(target: str) -> str:
    """`start-PART` means any part."""
    return target.replace("PART", apps.NAMES[0])


def test_there_are_commands() -> None:
    assert len(commands(OPERATIONS)) > 15


@current
def test_what_its_commands_name_exists(document: Path) -> None:
    for command in commands(document):
        match shlex.split(command):
            case ["make", *words]:
                done = subprocess.run(
                    ["make", "--dry-run", *map(named, words)],
                    cwd=ROOT,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
                if part := re.fullmatch("(?:start|stop)-([a-z_]+)", named(words[0])):
                    assert part[1] in apps.NAMES
            case ["docker", "compose", "exec", container, program, *_]:
                assert container in CONTAINERS
                assert program in ("python", "sh", "rabbitmqctl")
            case ["docker", "compose", *_]:
                pass
            case [script, *_]:
                assert (ROOT / script).stat().st_mode & 0o100


@current
def test_the_files_that_it_names_exist(document: Path) -> None:
    named = [path for path in _PATH.findall(document.read_text()) if "/results/" not in path]

    assert [path for path in named if not (ROOT / path).exists()] == []


@current
def test_each_of_its_blocks_has_a_language(document: Path) -> None:
    assert [str(block) for block in blocks(document) if not block.language] == []


@current
def test_each_of_its_shell_blocks_is_run_or_says_why_not(document: Path) -> None:
    silent = [block for block in shell_blocks(document) if block.reason is None]

    if str(document.relative_to(ROOT)) in RUN:
        assert silent
    else:
        assert [str(block) for block in silent] == []


@pytest.mark.parametrize("service", ["event", "booking"])
def test_its_management_command_takes_these_words(service: str) -> None:
    typed = [
        command for each in DOCUMENTS if each.name not in HISTORY for command in commands(each)
    ]
    found = filter(None, (management_command(shlex.split(each)) for each in typed))
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
    rows = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \|", OPERATIONS.read_text(), re.MULTILINE)

    assert {part for part, _ in rows} == set(apps.NAMES)
    assert {container for _, container in rows} <= set(CONTAINERS)


def test_the_readmes_example_and_the_integration_work(
    running: Devstack, environ_of_running: dict[str, str]
) -> None:
    for name in ("README.md", "docs/integrate.md", "docs/operations.md"):
        assert type_all(ROOT / name, environ_of_running)


def test_the_readme_shows_what_the_demo_prints(
    running: Devstack, environ_of_running: dict[str, str]
) -> None:
    (shown,) = [block for block in blocks(ROOT / "README.md") if block.language == "text"]

    done = subprocess.run(
        ["make", "demo"],
        cwd=ROOT,
        env=environ_of_running,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert shown.text.strip() in done.stdout, done.stdout + done.stderr


def test_the_tutorial_works_from_start_to_end(environ: dict[str, str]) -> None:
    assert type_all(ROOT / "docs" / "tutorial.md", environ) > 10


def test_the_tokens_of_the_security_page_work(devstack: Devstack, environ: dict[str, str]) -> None:
    page = ROOT / "docs" / "security.md"
    (settings,) = [block for block in blocks(page) if "JWT_SECRET=" in block.text]
    environ |= dict(line.split("=", 1) for line in settings.text.splitlines())
    started = devstack("start")
    assert started.returncode == 0, started.stderr

    assert type_all(page, environ) == 1


def test_the_thai_readme_has_the_same_commands_outputs_and_links() -> None:
    english, thai = ((ROOT / name) for name in ("README.md", "README.th.md"))

    assert commands(thai) == commands(english)
    assert [_said(block) for block in blocks(thai)] == [_said(block) for block in blocks(english)]
    assert _links(thai) - {"README.md"} == _links(english) - {"README.th.md"}
    assert "README.md" in _links(thai)
    assert "README.th.md" in _links(english)


def _said(block: Block) -> tuple[str, list[str]]:
    """Without comments, which each has in its language."""
    lines = block.text.splitlines()
    return block.language, [line.partition(" # ")[0].rstrip() for line in lines]


def _links(document: Path) -> set[str]:
    return set(re.findall(r'(?:\]\(|src=")([^)"]+)', document.read_text()))
