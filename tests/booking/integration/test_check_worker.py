"""Probes of workers: real processes, real signals, a real broker."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pika
import pytest
from django.db import connection

from devstack import ports
from shared.messaging.topology import NOTIFICATIONS_QUEUE
from shared.workers.check import check
from shared.workers.heartbeat import Heartbeat, full_name
from tests.support.broker import Broker, connected, with_wrong_password
from tests.support.mail_server import sick_server
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
WORKERS = ["consume_events", "relay_outbox", "notify_bookings"]
PATIENCE = 90


@pytest.fixture
def broker() -> Iterator[Broker]:
    with connected() as broker:
        yield broker


@pytest.fixture
def way_to_broker(broker: Broker) -> Iterator[TcpProxy]:
    yield from proxy_to(broker.url)


@pytest.fixture
def way_to_database() -> Iterator[TcpProxy]:
    yield from proxy_to(database_url())


def proxy_to(url: str) -> Iterator[TcpProxy]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = TcpProxy(parts.hostname, parts.port)
    yield proxy
    proxy.close()


def database_url() -> str:
    """Of the test database."""
    at = connection.settings_dict
    login = quote(at["USER"], safe="")
    if at["PASSWORD"]:
        login += ":" + quote(at["PASSWORD"], safe="")
    return f"postgres://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.fixture
def environ(broker: Broker, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "BOOKING_DATABASE_URL": database_url(),
        "RABBITMQ_URL": broker.url,
        "WORKER_STATE_DIR": str(tmp_path / "workers"),
    }


@contextlib.contextmanager
def running(
    worker: str, environ: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    log = Path(environ["WORKER_STATE_DIR"]).parent / f"{worker}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage_booking.py", worker, *arguments],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def said_by_command(worker: str, environ: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage_booking.py", "check_worker", worker],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def said_by_probe(worker: str, environ: dict[str, str]) -> tuple[int, str]:
    """The probe that containers run."""
    done = subprocess.run(
        [sys.executable, "-m", "shared.workers.probe", "booking", worker],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def wait_until_well(worker: str, environ: dict[str, str]) -> None:
    until(lambda: is_well(worker, environ), f"{worker} that is well", seconds=PATIENCE)


def wait_for_complaint(worker: str, environ: dict[str, str], text: str) -> str:
    def complaint() -> str | None:
        health = check(Path(environ["WORKER_STATE_DIR"]), full_name("booking", worker))
        return health.sentence if not health.healthy and text in health.sentence else None

    return until(complaint, f"complaint of {worker} with {text!r}", seconds=PATIENCE)


def is_well(worker: str, environ: dict[str, str]) -> bool:
    return check(Path(environ["WORKER_STATE_DIR"]), full_name("booking", worker)).healthy


@pytest.mark.parametrize("worker", WORKERS)
class TestAWorker:
    def test_that_was_not_started_is_not_running(
        self, worker: str, environ: dict[str, str]
    ) -> None:
        for status, text in (said_by_command(worker, environ), said_by_probe(worker, environ)):
            assert status == 1
            assert f"booking.{worker} is not running" in text
            assert len(text.splitlines()) == 1

    def test_that_works_is_healthy_until_it_ends(
        self, worker: str, environ: dict[str, str]
    ) -> None:
        with running(worker, environ) as process:
            wait_until_well(worker, environ)
            for said in (said_by_command, said_by_probe):
                assert said(worker, environ) == (0, f"booking.{worker} works\n")

            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        assert said_by_probe(worker, environ) == (1, f"booking.{worker} is not running\n")
        assert list(Path(environ["WORKER_STATE_DIR"]).iterdir()) == []

    def test_that_cannot_log_in_says_so_and_keeps_trying(
        self, worker: str, environ: dict[str, str], broker: Broker
    ) -> None:
        wrong = with_wrong_password(broker.url)
        with running(worker, {**environ, "RABBITMQ_URL": wrong}) as process:
            wait_for_complaint(worker, environ, "connecting to the broker")
            for status, text in (said_by_command(worker, environ), said_by_probe(worker, environ)):
                assert status == 1
                assert "since" in text
                assert "ACCESS_REFUSED" in text
                assert "wrong-password" not in text
            assert process.poll() is None

    def test_whose_broker_goes_and_comes_back_is_unhealthy_in_between(
        self, worker: str, environ: dict[str, str], broker: Broker, way_to_broker: TcpProxy
    ) -> None:
        with running(worker, {**environ, "RABBITMQ_URL": way_to_broker.url(broker.url)}):
            wait_until_well(worker, environ)
            way_to_broker.cut()
            wait_for_complaint(worker, environ, "connecting to the broker")
            way_to_broker.mend()
            wait_until_well(worker, environ)

    def test_that_was_killed_is_not_running(self, worker: str, environ: dict[str, str]) -> None:
        with running(worker, environ) as process:
            wait_until_well(worker, environ)
            process.kill()
            process.wait()

        status, text = said_by_probe(worker, environ)
        assert status == 1
        assert f"is not running: process {process.pid} died" in text

        with running(worker, environ):
            wait_until_well(worker, environ)

    def test_whose_database_is_frozen_is_unhealthy(
        self, worker: str, environ: dict[str, str], broker: Broker, way_to_database: TcpProxy
    ) -> None:
        url = way_to_database.url(environ["BOOKING_DATABASE_URL"])
        with running(worker, {**environ, "BOOKING_DATABASE_URL": url}):
            wait_until_well(worker, environ)
            way_to_database.freeze()
            if worker == "notify_bookings":
                promote(broker)  # else it asks the database for nothing
            until(lambda: not is_well(worker, environ), "complaint", seconds=PATIENCE)
            way_to_database.mend()
            wait_until_well(worker, environ)

    def test_beside_an_unhealthy_one_does_not_hide_it(
        self, worker: str, environ: dict[str, str], broker: Broker
    ) -> None:
        wrong = with_wrong_password(broker.url)
        with running(worker, environ), running(worker, {**environ, "RABBITMQ_URL": wrong}):
            wait_for_complaint(worker, environ, "connecting to the broker")


def test_workers_that_are_stopped_are_found_by_their_last_beat(environ: dict[str, str]) -> None:
    with contextlib.ExitStack() as stack:
        processes = {worker: stack.enter_context(running(worker, environ)) for worker in WORKERS}
        for worker in WORKERS:
            wait_until_well(worker, environ)
        for process in processes.values():
            process.send_signal(signal.SIGSTOP)
        for worker, process in processes.items():
            sentence = wait_for_complaint(worker, environ, "hangs or is stopped")
            assert f"process {process.pid}" in sentence
        for process in processes.values():
            process.send_signal(signal.SIGCONT)
        for worker in WORKERS:
            wait_until_well(worker, environ)


def test_only_a_loop_that_hangs_is_not_alive(
    environ: dict[str, str], broker: Broker, way_to_broker: TcpProxy, way_to_database: TcpProxy
) -> None:
    """Without limits, a call of a frozen database never returns. With them, as deployed, the loop
    tries again; so does one whose broker is away."""
    frozen = {"BOOKING_DATABASE_URL": way_to_database.url(environ["BOOKING_DATABASE_URL"])}
    different = {
        "hangs": {**frozen, "DATABASE_WAITS": "unlimited"},
        "has no database": frozen,
        "has no broker": {"RABBITMQ_URL": way_to_broker.url(broker.url)},
    }
    urls = {name: f"127.0.0.1:{ports.free_port()}" for name in different}
    with contextlib.ExitStack() as stack:
        for name, more in different.items():
            own = {"WORKER_STATE_DIR": str(Path(environ["WORKER_STATE_DIR"]) / name), **more}
            Path(own["WORKER_STATE_DIR"]).mkdir(mode=0o700, parents=True)
            worker = running("relay_outbox", {**environ, **own}, "--metrics", urls[name])
            stack.enter_context(worker)
            until(lambda: asked(urls[name], "ready")[0] == 200, f"one that {name}")  # noqa: B023
        way_to_broker.cut()
        way_to_database.freeze()

        until(lambda: asked(urls["hangs"], "live")[0] == 503, "hang", seconds=PATIENCE)
        assert "hangs or is stopped" in asked(urls["hangs"], "live")[1]
        until(lambda: asked(urls["has no database"], "ready")[0] == 503, "outage", seconds=PATIENCE)
        assert asked(urls["has no database"], "live") == (200, "ok\n")
        assert asked(urls["has no broker"], "live") == (200, "ok\n")
        status, text = asked(urls["has no broker"], "ready")
        assert status == 503
        assert text.startswith("connecting to the broker")

        way_to_broker.mend()
        way_to_database.mend()
        until(lambda: asked(urls["has no broker"], "ready")[0] == 200, "recovery", seconds=PATIENCE)


def asked(address: str, probe: str) -> tuple[int, str]:
    """Status 0 until something answers."""
    try:
        answer = httpx.get(f"http://{address}/health/{probe}", trust_env=False)
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def test_a_notifier_whose_mail_server_hangs_says_so(
    environ: dict[str, str], broker: Broker
) -> None:
    with sick_server(b"", "hangs") as port:
        environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "EMAIL_TIMEOUT": "1"}
        with running("notify_bookings", environ):
            wait_until_well("notify_bookings", environ)
            promote(broker)
            wait_for_complaint("notify_bookings", environ, "the mail server is away")


def test_the_metrics_say_the_same(environ: dict[str, str], broker: Broker) -> None:
    port = ports.private()["EVENT_PORT"]
    wrong = with_wrong_password(broker.url)
    for url, waiting in ((broker.url, 0), (wrong, 1)):
        with running(
            "relay_outbox", {**environ, "RABBITMQ_URL": url}, "--metrics", f"127.0.0.1:{port}"
        ):
            if waiting:
                wait_for_complaint("relay_outbox", environ, "connecting")
            else:
                wait_until_well("relay_outbox", environ)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                text = answer.read().decode()
            assert f'worker_waiting{{worker="booking.relay_outbox"}} {waiting}.0' in text
            assert 'worker_last_beat_age_seconds{worker="booking.relay_outbox"}' in text


def test_a_folder_that_others_may_write_to_is_refused(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Another user could write a healthy heartbeat there."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with running("relay_outbox", {**environ, "WORKER_STATE_DIR": str(folder)}) as process:
        assert process.wait(PATIENCE) == 1
    assert "WORKER_STATE_DIR" in (tmp_path / "relay_outbox.log").read_text()


@pytest.mark.parametrize("worker", ["relay_outbox", "consume_events", "notify_bookings"])
def test_a_worker_gives_way_to_the_apis(worker: str, environ: dict[str, str]) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with running(worker, {**environ, "WORKER_NICE": "7"}) as process:
        wait_until_well(worker, environ)

        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(7, own)


@pytest.mark.parametrize("bad", ["-1", "20", "low"])
def test_a_nice_value_that_does_not_exist_is_refused(
    bad: str, environ: dict[str, str], tmp_path: Path
) -> None:
    with running("relay_outbox", {**environ, "WORKER_NICE": bad}) as process:
        assert process.wait(PATIENCE) == 1

    said = (tmp_path / "relay_outbox.log").read_text()
    assert said.startswith("Environment variable WORKER_NICE: ")
    assert "Traceback" not in said


def test_a_heartbeat_that_can_no_longer_be_written_stops_no_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "workers"
    heartbeat = Heartbeat(folder=folder, worker="booking.x")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()

    heartbeat.waiting("for one thing")
    heartbeat.waiting("for another")

    assert caplog.text.count("the heartbeat can't be written") == 1
    assert not check(folder, "booking.x").healthy


def promote(broker: Broker) -> None:
    """Stores a message that needs a mail."""
    body: dict[str, Any] = {
        "id": 12,
        "event_name": "Workshop",
        "user_id": "ann@example.com",
        "cause": "seat_freed",
    }
    broker.channel.basic_publish(
        "",
        NOTIFICATIONS_QUEUE.name,
        json.dumps(body).encode(),
        pika.BasicProperties(message_id=str(uuid4()), type="booking.promoted"),
        mandatory=True,
    )
