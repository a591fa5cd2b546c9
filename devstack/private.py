"""Runs a command with its own servers, on free ports and in a temporary folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import citus, folder, keys, ports, processes, servers, signals, static_files
from devstack.errors import DevstackError, Interrupted
from devstack.runner import Runner

EXIT_SECONDS = 30


def execute(command: Sequence[str], environ: Mapping[str, str], *, fast: bool, umask: int) -> int:
    """Runs `command` with this `umask` and returns its exit status. Nothing started here or by the
    command outlives the call.

    `.env` isn't read: tests and benches must not find a developer's database by accident.
    """
    if shutil.which(command[0]) is None:
        raise DevstackError(f"there is no command {command[0]!r}")
    given = {name: value for name, value in environ.items() if value or name not in servers.URLS}
    given |= citus.booking_environment(environ)
    if given.keys() >= set(servers.URLS):
        known = {**_service_defaults(), **given}
        static_files.collect(known)
        os.umask(umask)
        os.execvpe(command[0], list(command), known)  # noqa: S606
    data = Path(tempfile.mkdtemp(prefix="devstack-")).resolve()
    runner = Runner(data)
    try:
        folder.make(data)
        below = servers.embedded(data, given, ports.private(), fast=fast)
        _start(runner, below, given)
        known = {**_service_defaults(), **given, **below.environment}
        static_files.collect(known)
        return _run(command, known, runner, umask=umask)
    finally:
        with signals.ignored():
            runner.stop_at_once()
            folder.remove(data)


def _start(runner: Runner, below: servers.Servers, environ: Mapping[str, str]) -> None:
    began = time.monotonic()
    below.create()
    runner.launch(below.programs, environ, dies_with_caller=True)
    below.wait_for_databases(runner)
    below.wait_for_broker(runner)
    seconds = time.monotonic() - began
    print(f"devstack: private servers are up after {seconds:.1f} s", file=sys.stderr, flush=True)


def _service_defaults() -> dict[str, str]:
    """Settings that the services have no defaults for: keys for this call, and no log-in."""
    secrets = {name: key for name, key in keys.make().items() if name in keys.OF_SERVICES}
    return {**secrets, "AUTH_MODE": "open", "LOG_FORMAT": "console"}


def _run(command: Sequence[str], environ: Mapping[str, str], runner: Runner, *, umask: int) -> int:
    marked = {
        **environ,
        processes.MARK: str(runner.folder),
        "DEVSTACK_SUPERVISOR_CONF": str(runner.config),
    }
    process = subprocess.Popen(command, env=marked, umask=umask)
    while True:
        try:
            status = process.wait()
        except Interrupted as interrupted:
            _pass_on(interrupted.number, process)
        else:
            return status if status >= 0 else 128 - status


def _pass_on(number: int, process: subprocess.Popen[bytes]) -> None:
    """Ends `process` with the signal sent to us, and kills it if it takes too long."""
    # Ctrl-C at a terminal has already reached the command, and a second one may mean "at once".
    if not (number == signal.SIGINT and os.isatty(sys.stdin.fileno())):
        process.send_signal(number)
    with signals.ignored():
        try:
            process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
