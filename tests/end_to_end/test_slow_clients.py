"""Slow, numerous and greedy clients: other clients are still served."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale, event_input
from tests.support.end_to_end.raw_http import (
    JSON,
    connected,
    kept_alive,
    next_answer,
    parsed,
    until_closed,
)
from tests.support.end_to_end.static_files import redoc_bundle
from tests.support.end_to_end.system import OwnProcesses, System
from tests.support.waiting import until

PAUSE_SECONDS = 0.2  # between two bytes of a slow client, or two checks
GONE = select.POLLHUP | select.POLLERR
PATIENCE_SECONDS = 150
READERS = 48


@contextlib.contextmanager
def slow_reader(url: str, requests: bytes) -> Iterator[socket.socket]:
    """A connection that has sent `requests`, with a small receive buffer that isn't read."""
    address = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((address.hostname, address.port))
        connection.sendall(requests)
        yield connection


def was_reset(connection: socket.socket) -> bool:
    """Doesn't read, because that would let the server continue."""
    poll = select.poll()
    poll.register(connection, 0)
    return any(event & GONE for _, event in poll.poll(0))


def assert_healthy(*urls: str) -> None:
    for url in urls:
        assert httpx.get(f"{url}/health", timeout=30, trust_env=False).status_code == 200


def bundle_of(url: str) -> bytes:
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        return redoc_bundle(client).encode()


# A container's published port has a proxy in front, which hides the reset from these clients.
@pytest.mark.usefixtures("own")
def test_slow_readers_are_cut_off_and_delay_no_other_client(system: System) -> None:
    urls = (system.event_url, system.booking_url)
    with contextlib.ExitStack() as stack:
        asked = {url: kept_alive(b"GET", bundle_of(url)) * 20 for url in urls}
        readers = [
            stack.enter_context(slow_reader(url, asked[url]))
            for url in urls
            for _ in range(READERS)
        ]
        trickles = [stack.enter_context(slow_reader(url, asked[url])) for url in urls]

        assert_healthy(*urls)
        waiting = [*readers, *trickles]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while waiting:
            assert time.monotonic() < deadline, f"{len(waiting)} are still being waited for"
            for trickle in trickles:
                with contextlib.suppress(OSError):
                    trickle.recv(16, socket.MSG_DONTWAIT)
            time.sleep(PAUSE_SECONDS)
            assert_healthy(*urls)
            waiting = [connection for connection in waiting if not was_reset(connection)]


def has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_endless_headers_and_silent_connections_are_closed(system: System) -> None:
    urls = (system.event_url, system.booking_url)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(url)) for url in urls]
        slow = [stack.enter_context(connected(url)) for url in urls]
        for connection in slow:
            connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")

        waiting = [*silent, *slow]
        deadline = time.monotonic() + 45
        while waiting:
            assert time.monotonic() < deadline, "they are still being waited for"
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.sendall(b"a")
            time.sleep(PAUSE_SECONDS)
            waiting = [connection for connection in waiting if not has_ended(connection)]


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_client_that_never_pauses_leaves_others_their_turn(
    own: OwnProcesses, service: str
) -> None:
    workers = {f"{service.upper()}_WORKERS": "1"}
    with (
        own.another_service(service, f"{service}-greedy", **workers) as url,
        connected(url) as greedy,
    ):
        requests = kept_alive(b"GET", b"/health") * 500
        stopping = threading.Event()

        def send() -> None:
            with contextlib.suppress(OSError):
                while not stopping.is_set():
                    greedy.sendall(requests)

        def read() -> None:
            with contextlib.suppress(OSError):
                while greedy.recv(1 << 20):
                    pass

        threads = [threading.Thread(target=work) for work in (send, read)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                assert_healthy(url)
            assert all(thread.is_alive() for thread in threads)
        finally:
            stopping.set()
            greedy.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


@pytest.mark.parametrize("service", ["event", "booking"])
def test_an_unused_body_is_not_read_to_its_end(own: OwnProcesses, service: str) -> None:
    workers = {f"{service.upper()}_WORKERS": "1"}
    with (
        own.another_service(service, f"{service}-endless", **workers) as url,
        connected(url) as connection,
    ):
        connection.sendall(
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n"
        )
        assert next_answer(connection).status == 200
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(bytes(200_000_000))
        assert_healthy(url)


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_body_that_is_too_large_does_not_end_the_connection(system: System, service: str) -> None:
    url = system.event_url if service == "event" else system.booking_url
    content = b'"' + bytes(10_000_000) + b'"'
    path = EVENTS.encode() + (b"" if service == "event" else b"/1/bookings")
    with connected(url) as connection:
        connection.sendall(kept_alive(b"POST", path, [JSON], content))
        assert next_answer(connection).status == 413
        connection.sendall(kept_alive(b"GET", b"/health"))
        assert next_answer(connection).status == 200


@pytest.mark.parametrize("service", ["event", "booking"])
def test_connections_from_one_address_are_limited(own: OwnProcesses, service: str) -> None:
    environ = {f"{service.upper()}_WORKERS": "1", "MAX_CONNECTIONS_PER_ADDRESS": "3"}
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(own.another_service(service, f"{service}-few", **environ))
        # The connection of the health check may still be open.
        until(lambda: answers(url), "a connection that is served")
        open_ones = [stack.enter_context(connected(url)) for _ in range(3)]
        for connection in open_ones:
            connection.sendall(kept_alive(b"GET", b"/health"))
            assert next_answer(connection).status == 200

        with connected(url) as refused:
            answer = parsed(until_closed(refused))
        assert (answer.status, answer.json["code"]) == (503, "too_many_connections")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"

        open_ones[0].close()
        until(lambda: answers(url), "a connection that is served")


def test_connections_of_a_proxy_are_not_counted(own: OwnProcesses) -> None:
    environ = {"BOOKING_WORKERS": "1", "MAX_CONNECTIONS_PER_ADDRESS": "1", "TRUSTED_PROXIES": "1"}
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(own.another_service("booking", "behind-a-proxy", **environ))
        for _ in range(4):
            connection = stack.enter_context(connected(url))
            connection.sendall(kept_alive(b"GET", b"/health"))
            assert next_answer(connection).status == 200


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=30, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_slow_readers_keep_no_database_connections(own: OwnProcesses, sale: Sale) -> None:
    """There are more of them than connections in the pool, and others still get data."""
    for _ in range(40):
        sale.events.post(EVENTS, json=event_input(name="🎫" * 255)).raise_for_status()
    asked = kept_alive(b"GET", EVENTS.encode() + b"?limit=1000") * 50
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(own.another_service("event", "event-lists", EVENT_WORKERS="1"))
        for _ in range(24):
            stack.enter_context(slow_reader(url, asked))
        for _ in range(30):
            response = httpx.get(f"{url}{EVENTS}?limit=1", timeout=30, trust_env=False)
            assert response.status_code == 200, response.text
            time.sleep(PAUSE_SECONDS)


def test_unfinished_bodies_keep_no_other_request_waiting(sale: Sale, system: System) -> None:
    event = sale.create_event()
    head = (
        f"POST /api/v1/events/{event}/bookings HTTP/1.1\r\nHost: localhost\r\n"
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"user_id": '
    )
    with contextlib.ExitStack() as stack:
        # More than a worker has turns.
        unfinished = [stack.enter_context(connected(system.booking_url)) for _ in range(400)]
        for connection in unfinished:
            connection.sendall(head.encode())

        assert sale.book(event, "prompt").status_code == 201

        assert not any(map(has_ended, unfinished)), "the booking waited until these were given up"
