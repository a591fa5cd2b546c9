"""Faults of the servers that `python -m devstack exec` has started."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika
import psutil
import psycopg
import pytest
from pika.exceptions import AMQPError

from devstack.runner import Runner
from tests.support.waiting import until

BROKER = "rabbitmq"
EVENT_DATABASE = "event_db"
BOOKING_DATABASE = "booking_db"
_GROUPS = {BROKER: "broker", EVENT_DATABASE: "databases", BOOKING_DATABASE: "databases"}

RECOVERY_SECONDS = 120


class Servers:
    """Each is known by its program's name. Its runner starts again at once what was killed."""

    def __init__(self, *, event_url: str, booking_url: str, broker_url: str) -> None:
        configuration = os.environ.get("DEVSTACK_SUPERVISOR_CONF")
        if not configuration:
            pytest.skip("needs servers of its own to stop and kill: `python -m devstack exec`")
        self._configuration = Path(configuration)
        self._runner = Runner(self._configuration.parent)
        self._urls = {
            BROKER: broker_url,
            EVENT_DATABASE: event_url,
            BOOKING_DATABASE: booking_url,
        }

    def kill(self, name: str) -> None:
        """SIGKILL for all its processes at the same time."""
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)  # so that it forks nobody whom this would miss
        family = [process, *process.children(recursive=True)]
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        until(lambda: not process.is_running(), f"end of {name}", seconds=RECOVERY_SECONDS)

    def wait_for(self, name: str) -> None:
        until(lambda: self.answers(name), f"answer of {name}", seconds=RECOVERY_SECONDS)

    def answers(self, name: str) -> bool:
        try:
            if name == BROKER:
                pika.BlockingConnection(pika.URLParameters(self._urls[name])).close()
            else:
                psycopg.connect(self._urls[name], connect_timeout=RECOVERY_SECONDS).close()
        except (AMQPError, psycopg.OperationalError, OSError):
            return False
        return True

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        self.stop(name)
        try:
            yield
        finally:
            self.start(name)
            self.wait_for(name)

    def stop(self, name: str) -> None:
        self._supervisorctl("stop", name)

    def start(self, name: str) -> None:
        try:
            self._supervisorctl("start", name)
        except subprocess.CalledProcessError:
            pytest.fail(self._runner.failure_report(name, "did not start"))

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """It keeps its connections, with all processes that it has, and answers nothing."""
        process = self.process(name)
        stopped: list[psutil.Process] = []
        try:
            # The parent first: it starts no more then.
            stopped.append(process)
            process.send_signal(signal.SIGSTOP)
            for child in process.children(recursive=True):
                stopped.append(child)
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGSTOP)
            yield
        finally:
            for each in reversed(stopped):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def out_of_memory(self) -> Iterator[None]:
        """The broker raises its memory alarm: it blocks every connection that publishes."""
        self.rabbitmqctl("set_vm_memory_high_watermark", "0")
        try:
            yield
        finally:
            self.rabbitmqctl("set_vm_memory_high_watermark", "0.4")

    @contextlib.contextmanager
    def out_of_disk(self) -> Iterator[None]:
        """The same by its disk alarm."""
        self.rabbitmqctl("set_disk_free_limit", "1000000GB")
        try:
            yield
        finally:
            self.rabbitmqctl("set_disk_free_limit", "50MB")

    def rabbitmqctl(self, *words: str) -> None:
        control = Path(os.environ["DEVSTACK_RABBITMQ_BIN"]) / "rabbitmqctl"
        subprocess.run([control, "--quiet", *words], check=True, timeout=RECOVERY_SECONDS)

    def process(self, name: str) -> psutil.Process:
        def running() -> psutil.Process | None:
            (found,) = (each for each in self._runner.programs() if each.name == name)
            return psutil.Process(found.pid) if found.pid else None

        return until(running, f"process of {name}", seconds=RECOVERY_SECONDS)

    def _supervisorctl(self, action: str, name: str) -> None:
        subprocess.run(
            [
                *(sys.executable, "-m", "supervisor.supervisorctl", "-c", self._configuration),
                *(action, f"{_GROUPS[name]}:{name}"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=RECOVERY_SECONDS,
        )
