"""gunicorn's master is killed, and its workers have to notice."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale, event_input
from tests.support.end_to_end.raw_http import (
    JSON,
    connected,
    kept_alive,
    next_answer,
    parsed,
    request,
    until_closed,
)
from tests.support.end_to_end.system import OwnProcesses, free_port, gunicorn, wait_until_healthy
from tests.support.waiting import until

# Far more than a worker needs, and less than the 20 s that its running requests may take.
SECONDS = 12
WORKERS = 2


@contextlib.contextmanager
def killed_afterwards(processes: list[psutil.Process]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def is_free(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.hostname or "", address.port or 0))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("service", ["event", "booking"])
def test_its_workers_finish_their_requests_and_free_the_port(
    own: OwnProcesses, sale: Sale, service: str
) -> None:
    if service == "event":
        path, content = EVENTS.encode(), json.dumps(event_input()).encode()
    else:
        path = f"{EVENTS}/{sale.create_event()}/bookings".encode()
        content = b'{"user_id": "ann"}'
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    killed = gunicorn(service, port, own.environ, own.folder, name=f"{service}-killed")
    with contextlib.ExitStack() as stack:
        stack.enter_context(own.running(killed))
        wait_until_healthy(url, killed)
        workers = killed.workers
        stack.enter_context(killed_afterwards(workers))
        others = [stack.enter_context(connected(url)) for _ in range(10)]
        for connection in others:
            connection.sendall(kept_alive(b"GET", b"/health"))
            assert next_answer(connection).status == 200
        under_way = stack.enter_context(connected(url))
        sent = request(b"POST", path, [JSON, b"Content-Length: %d" % len(content)], content)
        under_way.sendall(sent[:-5])

        os.kill(killed.pid, signal.SIGKILL)
        until(lambda: not killed.is_running, "end of the master", seconds=30)
        until(lambda: is_free(url), "free port", seconds=SECONDS)
        under_way.sendall(sent[-5:])
        answer = parsed(until_closed(under_way))
        _, alive = psutil.wait_procs(workers, timeout=SECONDS)

        assert answer.status == 201, answer
        assert not alive
        for connection in others:
            assert connection.recv(1) == b""
        following = gunicorn(service, port, own.environ, own.folder, name=f"{service}-following")
        stack.enter_context(own.running(following))
        wait_until_healthy(url, following)
        assert "in use" not in following.text()


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_stop_does_not_wait_for_connections_that_are_kept_alive(
    own: OwnProcesses, service: str
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {**own.environ, f"{service.upper()}_WORKERS": str(WORKERS)}
    stopped = gunicorn(service, port, environ, own.folder, name=f"{service}-stopped")
    with contextlib.ExitStack() as stack:
        stack.enter_context(own.running(stopped))
        wait_until_healthy(url, stopped)
        connection = stack.enter_context(connected(url))
        connection.sendall(kept_alive(b"GET", b"/health"))
        assert next_answer(connection).status == 200

        assert stopped.stop() == 0

        assert connection.recv(1) == b""
        # A worker that uses all its time is killed and logs nothing.
        assert stopped.text().count("Worker exiting") == WORKERS
