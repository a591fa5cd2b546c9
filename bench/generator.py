"""Runs `wrk`, a load generator in C that leaves the cores to the system being measured."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

SCRIPTS = Path(__file__).parent / "lua"
TIMEOUT_SECONDS = 15
BUSY = "503"


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run of wrk saw. Times in seconds, latencies in milliseconds.

    `answers` counts by status and outcome ("201 confirmed", "409 fully_booked", "200").
    `received_bytes` is the size of all answers with their headers.
    Up to `connections` further requests were sent whose answers wrk didn't wait for.
    """

    connections: int
    seconds: float
    answers: dict[str, int]
    used_up: bool
    p50: float
    p95: float
    p99: float
    socket_errors: int
    received_bytes: int
    cpu_seconds: float

    def answered(self, status: str) -> int:
        """Answers with this status, or with this status and outcome."""
        return sum(
            count
            for answer, count in self.answers.items()
            if answer == status or answer.startswith(f"{status} ")
        )

    @property
    def rate(self) -> float:
        """Answers per second, except those that only ask to try again later."""
        return (sum(self.answers.values()) - self.answered(BUSY)) / self.seconds


def run(
    url: str, script: str, arguments: Sequence[object], *, connections: int, seconds: int
) -> Load:
    """Load `url` for `seconds`, or until the script has used up its work."""
    process = subprocess.Popen(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"),
            *("--script", f"{script}.lua", url, "--", *map(str, arguments)),
        ],
        cwd=SCRIPTS,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise BenchError(f"wrk failed with {script}.lua:\n{output}")
    report = json.loads(output.splitlines()[-1])
    return Load(
        connections=connections,
        seconds=report["duration_us"] / 1e6,
        answers=report["answers"],
        used_up=report["used_up"],
        p50=report["p50_us"] / 1e3,
        p95=report["p95_us"] / 1e3,
        p99=report["p99_us"] / 1e3,
        socket_errors=report["socket_errors"],
        received_bytes=report["received_bytes"],
        cpu_seconds=used.ru_utime + used.ru_stime,
    )


def version() -> str:
    """Installs wrk if it is missing and this user may."""
    if shutil.which("wrk") is None:
        _install()
    # It prints its version and exits with 1, because it has nothing to do.
    words = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return words.stdout.split()[1]


def _install() -> None:
    by_hand = "wrk is not installed: type `sudo apt-get install wrk`, then start again"
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (become_root and shutil.which("sudo") is None):
        raise BenchError(by_hand)
    print("bench: installing wrk with apt-get, once", flush=True)
    apt = subprocess.run(
        [*become_root, "apt-get", "-q", "-y", "install", "--no-install-recommends", "wrk"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if apt.returncode != 0 or shutil.which("wrk") is None:
        raise BenchError(by_hand)
