"""The booking API under gunicorn on the test database, and a killer of its workers."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.db import connection

from devstack.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS, until

CHECKOUT = Path(__file__).resolve().parents[3]


class BookingApi:
    def __init__(self, *, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.port = port
        self._process = process

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_a_worker(self, rng: random.Random) -> None:
        """SIGKILL: nothing is drained, answered or rolled back by the worker itself."""
        if workers := self.workers():
            with suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)

    def wait_until_it_answers(self) -> None:
        until(self._answers, "answer from the booking API")

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the booking API ended"
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as http:
                http.request("GET", "/health")
                return http.getresponse().status == 200
        except (OSError, HTTPException):
            return False


@contextmanager
def running_booking_api(*, workers: int) -> Iterator[BookingApi]:
    """Runs the API on a free port and the database of this test run for the block."""
    port = free_port()
    environment = {
        **os.environ,
        "BOOKING_DATABASE_URL": _url_of_test_database(),
        "BOOKING_PORT": str(port),
        "BOOKING_WORKERS": str(workers),
    }
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("gunicorn"),
            "-c",
            "deploy/gunicorn_booking.py",
            "--log-level=error",
            "booking_project.wsgi",
        ],
        cwd=CHECKOUT,
        env=environment,
    )
    api = BookingApi(process=process, port=port)
    try:
        api.wait_until_it_answers()
        yield api
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def _url_of_test_database() -> str:
    database = connection.settings_dict
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return (
        f"postgres://{database['USER']}{password}@{database['HOST']}:{database['PORT']}"
        f"/{database['NAME']}"
    )
