import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from devstack.environment import ROOT
from tests.support.devstack.runs import Devstack, left_of
from tests.support.waiting import PATIENCE_SECONDS, until

NOWHERE = {
    "EVENT_DATABASE_URL": "postgresql://127.0.0.1:9/event",
    "BOOKING_DATABASE_URL": "postgresql://127.0.0.1:9/booking",
    "RABBITMQ_URL": "amqp://127.0.0.1:9/",
}


def test_a_command_gets_private_servers_and_leaves_only_its_status(
    devstack: Devstack, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    done = devstack(
        "exec", "--fast", "--", sys.executable, "-m", "tests.support.devstack.command", str(report)
    )
    assert done.returncode == 7, done.stderr
    seen = json.loads(report.read_text())
    folder = Path(seen["folder"])
    assert {"127.0.0.1"} <= set(seen["hosts"]) <= {"127.0.0.1", "::1"}
    assert not folder.exists()
    assert left_of(folder) == []


def test_servers_that_are_still_starting_are_stopped_by_a_signal(
    environ: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devstack", "exec", "--fast", "--", "true"], cwd=ROOT, env=environ
    )
    started = until(lambda: [*tmp_path.glob("devstack-*/supervisord.pid")], "supervisord")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=2 * PATIENCE_SECONDS) == 128 + signal.SIGTERM
    folder = started[0].parent
    assert not folder.exists()
    assert left_of(folder) == []


def test_no_server_is_started_if_all_are_given(devstack: Devstack) -> None:
    done = devstack("exec", "--", "sh", "-c", 'echo "$RABBITMQ_URL"; exit 3', **NOWHERE)
    assert (done.stdout, done.stderr, done.returncode) == ("amqp://127.0.0.1:9/\n", "", 3)


def test_a_command_that_does_not_exist_is_refused_before_anything_starts(
    devstack: Devstack, tmp_path: Path
) -> None:
    done = devstack("exec", "--", "no-such-command")
    assert (done.stderr, done.returncode) == (
        "devstack: there is no command 'no-such-command'\n",
        1,
    )
    assert not [*tmp_path.glob("devstack-*")]


def test_servers_are_private_to_their_owner(devstack: Devstack, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    before = os.umask(0o022)
    try:
        devstack(
            "exec",
            "--fast",
            "--",
            sys.executable,
            "-m",
            "tests.support.devstack.command",
            str(report),
        )
    finally:
        os.umask(before)

    seen = json.loads(report.read_text())
    assert seen["guest"] == "refused"
    assert seen["umask"] == 0o022, "what the command writes has the modes that its caller wants"
    assert seen["exposed"] == []
