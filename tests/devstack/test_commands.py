"""Commands that users type while everything runs."""

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.environment import ROOT
from tests.support.devstack.runs import Devstack
from tests.support.waiting import until


def state(running: Devstack, part: str) -> str:
    lines = [line.split() for line in running("status").stdout.splitlines()]
    (found,) = [words[1] for words in lines if words[0] == part]
    return found


@pytest.mark.parametrize("part", ["consumer", "event", "booking_db"])
def test_one_part_is_stopped_and_started_again(running: Devstack, part: str) -> None:
    stopped = running("stop-part", part)
    assert (stopped.stdout, stopped.returncode) == (f"devstack: {part} stopped\n", 0)
    assert state(running, part) == "STOPPED"
    assert running("stop-part", part).stdout == f"devstack: {part} is not running\n"

    started = running("start-part", part)
    assert (started.stdout, started.returncode) == (f"devstack: {part} started\n", 0)
    assert state(running, part) == "RUNNING"
    assert running("start-part", part).stdout == f"devstack: {part} runs already\n"


def test_an_unknown_part_is_refused_with_a_list_of_the_parts(running: Devstack) -> None:
    done = running("stop-part", "consumers")

    assert done.returncode == 1
    assert "no part 'consumers'" in done.stderr
    assert "consumer, epmd, event" in done.stderr


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_management_command_finds_the_running_services(running: Devstack, service: str) -> None:
    until(lambda: state(running, f"{service}_db") == "RUNNING", "a database that runs")
    done = running("manage", service, "--", "outbox_status")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pending  ")


def test_the_status_of_a_management_command_is_passed_on(running: Devstack) -> None:
    assert running("manage", "booking", "--", "no_such_command").returncode == 1


def logs_in(running: Devstack, service: str, name: str, password: str) -> bool:
    script = (
        "from django.contrib.auth.models import User\n"
        f"user = User.objects.get(username={name!r})\n"
        f"print('superuser', user.is_superuser and user.check_password({password!r}))"
    )
    return "superuser True" in running("manage", service, "--", "shell", "--command", script).stdout


def test_an_admin_gets_one_generated_password_for_both_services(running: Devstack) -> None:
    made = running("admin", ADMIN_USERNAME="ann")

    assert made.returncode == 0, made.stderr
    (password,) = re.findall(r"with password (\S+)", made.stdout)
    assert len(password) >= 20
    assert made.stdout.count(password) == 1
    for service in ("event", "booking"):
        assert logs_in(running, service, "ann", password)
        assert not logs_in(running, service, "ann", "wrong")


def test_a_given_password_is_used_and_not_shown(running: Devstack) -> None:
    made = running("admin", ADMIN_USERNAME="bob", ADMIN_PASSWORD="correct horse battery")

    assert made.returncode == 0, made.stderr
    assert "correct horse" not in made.stdout + made.stderr
    assert logs_in(running, "booking", "bob", "correct horse battery")


def test_a_taken_name_is_reported_with_a_way_out(running: Devstack) -> None:
    running("admin", ADMIN_USERNAME="cid", ADMIN_PASSWORD="correct horse battery")
    again = running("admin", ADMIN_USERNAME="cid", ADMIN_PASSWORD="another horse battery")

    assert again.returncode == 1
    assert "already taken" in again.stderr
    assert 'make manage-event ARGS="changepassword cid"' in again.stderr
    assert logs_in(running, "event", "cid", "correct horse battery")


def test_a_short_password_creates_no_user(running: Devstack) -> None:
    refused = running("admin", ADMIN_USERNAME="dan", ADMIN_PASSWORD="short")

    assert refused.returncode == 1
    assert "shorter than 12" in refused.stderr
    assert not logs_in(running, "event", "dan", "short")


def test_a_user_at_a_terminal_is_asked(
    running: Devstack, environ_of_running: dict[str, str]
) -> None:
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "devstack", "admin"],
        cwd=ROOT,
        env=environ_of_running,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""

    def asked(question: bytes) -> bool:
        nonlocal shown
        if select.select([person], [], [], 0.1)[0]:
            shown += os.read(person, 1024)
        return question in shown

    for question, answer in [
        (b"User name", b"eve"),
        (b"Password (empty", b"correct horse battery"),
        (b"again", b"correct horse battery"),
    ]:
        until(lambda question=question: asked(question), "the question")
        os.write(person, answer + b"\n")
    until(lambda: asked(b"with the given password"), "the answer", seconds=60)
    assert process.wait(timeout=60) == 0
    os.close(person)
    assert b"correct horse" not in shown
    assert logs_in(running, "event", "eve", "correct horse battery")


def test_every_command_is_refused_while_nothing_runs(devstack: Devstack) -> None:
    for words in (["admin"], ["manage", "event"], ["stop-part", "event"], ["logs"]):
        done = devstack(*words)
        assert (done.stderr, done.returncode) == (
            "devstack: not running: `make start` starts it\n",
            1,
        )


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_command_without_django_says_what_to_type(service: str) -> None:
    bare = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")

    done = subprocess.run(
        [bare, "-S", f"manage_{service}.py", "createsuperuser"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"make manage-{service} ARGS=" in done.stderr
    assert "Traceback" not in done.stderr
