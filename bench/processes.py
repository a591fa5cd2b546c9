"""The processes of a bench: started from this checkout and ended by pid."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 30


@contextmanager
def running(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, checkout: Path = ROOT
) -> Iterator[psutil.Process]:
    """Runs Python with `arguments` until the end of the block. `log` gets its output.

    A `BenchError` raised inside the block is raised again with the end of the log.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield psutil.Process(process.pid)
    except BenchError as error:
        raise BenchError(f"{error}; the end of {log.name}:\n{_tail(log)}") from None
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def manage(
    service: str, environment: Mapping[str, str], *words: str, checkout: Path = ROOT
) -> None:
    """Run a service's command to its end. Raises `BenchError` with its output if it fails."""
    command = subprocess.run(
        [sys.executable, f"manage_{service}.py", *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if command.returncode != 0:
        said = "\n".join([*command.stdout.splitlines(), *command.stderr.splitlines()][-20:])
        raise BenchError(f"manage_{service}.py {words[0]} failed:\n{said}")


def listener(port: int) -> psutil.Process | None:
    """The process that listens on a port of this machine; None if it can't be seen."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if (
            connection.laddr
            and connection.laddr.port == port
            and connection.status == psutil.CONN_LISTEN
            and connection.pid
        ):
            return psutil.Process(connection.pid)
    return None


def wait(condition: Callable[[], bool], seconds: float, failure: str) -> None:
    """Raises `BenchError` with `failure` if `condition` doesn't hold within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(failure)
        time.sleep(0.05)


def own_environment(**variables: str) -> dict[str, str]:
    return {**os.environ, **variables}


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text().splitlines()[-15:])
