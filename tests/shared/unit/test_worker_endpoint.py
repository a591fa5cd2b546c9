"""A worker's metrics and probes over HTTP, and what systemd's watchdog is told."""

import argparse
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import Counter

from devstack.ports import free_port
from shared.workers.check import STALE_SECONDS
from shared.workers.endpoint import Address, address, serve
from shared.workers.heartbeat import Heartbeat
from tests.support.waiting import PATIENCE_SECONDS

SEEN = Counter("tests_seen", "Only here")


@pytest.mark.parametrize("text", ["127.0.0.1:9101", "localhost:1", "0.0.0.0:65535"])
def test_an_address_is_host_and_port(text: str) -> None:
    assert str(address(text).port) == text.rpartition(":")[2]


@pytest.mark.parametrize("text", ["", "9101", ":9101", "host:", "host:0", "host:65536", "host:٣"])
def test_an_invalid_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"like 127\.0\.0\.1:9101"):
        address(text)


@pytest.fixture
def heartbeat(tmp_path: Path) -> Iterator[Heartbeat]:
    heartbeat = Heartbeat(folder=tmp_path / "workers", worker="booking.x")
    yield heartbeat
    heartbeat.close()


@pytest.fixture
def url(heartbeat: Heartbeat) -> str:
    port = free_port()
    serve(Address("127.0.0.1", port), heartbeat)
    return f"http://127.0.0.1:{port}"


def get(url: str) -> tuple[int, str]:
    response = httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS)
    return response.status_code, response.text


def test_a_process_serves_what_it_counted(url: str) -> None:
    SEEN.inc()

    status, text = get(f"{url}/metrics")

    assert status == 200
    assert "tests_seen_total 1.0" in text


def test_a_loop_that_turns_is_alive_and_ready(url: str, heartbeat: Heartbeat) -> None:
    heartbeat.working("publish")

    assert get(f"{url}/health/live") == get(f"{url}/health/ready") == (200, "ok\n")


def test_one_that_waits_for_a_server_is_alive_but_not_ready(url: str, heartbeat: Heartbeat) -> None:
    heartbeat.waiting("connecting to the broker: refused")

    assert get(f"{url}/health/live") == (200, "ok\n")
    status, text = get(f"{url}/health/ready")
    assert status == 503
    assert text.startswith("connecting to the broker: refused (process ")


@pytest.mark.parametrize("waiting", ["", "connecting to the broker: refused"])
def test_one_that_has_stopped_turning_is_neither_whatever_it_waited_for(
    url: str, heartbeat: Heartbeat, waiting: str
) -> None:
    heartbeat.pulse = replace(
        heartbeat.pulse, beat=heartbeat.pulse.beat - STALE_SECONDS - 1, waiting=waiting
    )

    status, text = get(f"{url}/health/live")
    assert status == 503
    assert "hangs or is stopped" in text
    assert get(f"{url}/health/ready")[0] == 503


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The end at which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield supervisor


def test_systemd_hears_of_each_beat_if_it_watches(
    supervisor: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "90000000")
    heartbeat = Heartbeat(folder=tmp_path / "workers", worker="booking.x")
    heartbeat.waiting("for the broker")

    assert [supervisor.recv(100), supervisor.recv(100)] == [b"WATCHDOG=1"] * 2
    with pytest.raises(BlockingIOError):
        supervisor.recv(100)


def test_systemd_hears_nothing_if_it_does_not_watch(
    supervisor: socket.socket, tmp_path: Path
) -> None:
    Heartbeat(folder=tmp_path / "workers", worker="booking.x")

    with pytest.raises(BlockingIOError):
        supervisor.recv(100)
