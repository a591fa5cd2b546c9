"""An upgrade in the middle of a sale: the previous version goes on while the tables become those of
this one, and then both work side by side."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devstack.ports import free_port
from tests.support.broker import Broker
from tests.support.end_to_end.clients import Sale, assert_problem
from tests.support.end_to_end.previous import Previous, previous_version
from tests.support.end_to_end.processes import ROOT, Part
from tests.support.end_to_end.servers import fresh_database, fresh_vhost, required
from tests.support.end_to_end.system import (
    gunicorn,
    mail_folder,
    manage,
    migrate,
    neutral_environ,
    wait_until_healthy,
)
from tests.support.waiting import until

WORKERS = {
    "relay": ["manage_event.py", "relay_outbox"],
    "booking-relay": ["manage_booking.py", "relay_outbox"],
    "consumer": ["manage_booking.py", "consume_events"],
    "notifier": ["manage_booking.py", "notify_bookings"],
}


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """For empty databases."""
    with contextlib.ExitStack() as stack:
        databases = {
            name: stack.enter_context(fresh_database(required(name)))
            for name in ("EVENT_DATABASE_URL", "BOOKING_DATABASE_URL")
        }
        broker = stack.enter_context(fresh_vhost(required("RABBITMQ_URL")))
        mails = f"file:///{mail_folder(tmp_path)}"
        yield {**neutral_environ(), **databases, "RABBITMQ_URL": broker, "EMAIL_URL": mails}


@pytest.fixture
def previous() -> Previous:
    found = previous_version()
    if found is None:
        pytest.skip("no history: `git fetch --unshallow --tags` brings the version before this one")
    return found


@contextlib.contextmanager
def version(
    name: str, environ: dict[str, str], folder: Path, checkout: Path
) -> Iterator[tuple[Sale, dict[str, Part]]]:
    """All parts of it, and its clients."""
    event_port, booking_port = free_port(), free_port()
    event = gunicorn("event", event_port, environ, folder, name=f"{name}-event", checkout=checkout)
    booking = gunicorn(
        "booking", booking_port, environ, folder, name=f"{name}-booking", checkout=checkout
    )
    workers = {
        worker: Part(f"{name}-{worker}", command, environ, folder, checkout=checkout)
        for worker, command in WORKERS.items()
    }
    urls = [f"http://127.0.0.1:{port}" for port in (event_port, booking_port)]
    with contextlib.ExitStack() as stack:
        for part in [event, booking, *workers.values()]:
            stack.callback(part.kill)
            part.start()
        for part, url in zip([event, booking], urls, strict=True):
            wait_until_healthy(url, part)
        sale = Sale(*urls)
        stack.callback(sale.close)
        yield sale, workers
        for part in [event, booking, *workers.values()]:
            assert part.stop() == 0, part.text()


def whole_sale(creator: Sale, first: Sale, second: Sale) -> None:
    """Everything that changes bookings, by turns through two APIs."""
    event = creator.create_event(max_seats=1, waitlist_limit=1)
    second.wait_for(event)
    seat = first.booked(event, "ann")
    assert seat["status"] == "confirmed"
    assert_problem(second.book(event, "ann"), 409, code="already_booked")
    waiting = second.booked(event, "bob")
    assert waiting["status"] == "waitlisted"
    assert_problem(first.book(event, "cid"), 409, code="fully_booked")
    assert [each["id"] for each in second.list(event)] == [seat["id"], waiting["id"]]
    assert second.cancel(seat["id"]).status_code == 200
    assert first.booking(waiting["id"])["status"] == "confirmed"
    changed = creator.events.patch(f"/api/v1/events/{event}", json={"max_seats": 2})
    assert changed.status_code == 200, changed.text
    until(lambda: second.status(event)["max_seats"] == 2, "the change in the copy")
    assert second.booked(event, "dan")["status"] == "confirmed"
    assert first.counts(event) == (2, 0, 0)
    cancelled = creator.events.post(f"/api/v1/events/{event}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    until(lambda: second.counts(event) == (0, 0, 0), "cancelled bookings")


@contextlib.contextmanager
def guests(sale: Sale) -> Iterator[list[str]]:
    """They book and cancel all the time. Yields what failed, and fails if nobody could book."""
    event = sale.create_event(max_seats=1_000_000)
    ended = threading.Event()
    failures: list[str] = []
    booked: list[int] = []

    def book() -> None:
        numbers = itertools.count()
        while not ended.is_set():
            try:
                answer = sale.book(event, f"guest-{next(numbers)}")
                if answer.status_code == 201:
                    booked.append(answer.json()["id"])
                    answer = sale.cancel(booked[-1])
                if not answer.is_success:
                    failures.append(answer.text)
            except httpx.TransportError as error:
                failures.append(repr(error))

    thread = threading.Thread(target=book)
    thread.start()
    try:
        yield failures
        reached = len(booked)
        until(lambda: len(booked) > reached, "a booking after the migration")
    finally:
        ended.set()
        thread.join()


def test_the_previous_version_sells_on_while_and_after_the_tables_are_migrated(
    environ: dict[str, str], previous: Previous, tmp_path: Path
) -> None:
    checkout = previous.unpack(tmp_path / "previous")
    migrate(environ, checkout=checkout)
    with version("previous", environ, tmp_path, checkout) as (old, old_workers):
        whole_sale(old, old, old)
        with guests(old) as failures:
            migrate(environ)
        assert failures == []
        whole_sale(old, old, old)

        with version("this", environ, tmp_path, ROOT) as (new, _):
            whole_sale(old, old, new)
            whole_sale(new, new, old)
            # An old relay doesn't see what the new version writes: it goes first.
            for part in old_workers.values():
                assert part.stop() == 0, part.text()
            whole_sale(old, new, old)
            whole_sale(new, old, new)

    manage("booking", environ, "verify_bookings")
    with contextlib.closing(Broker(environ["RABBITMQ_URL"])) as broker:
        assert broker.size(broker.dead_letter_queue) == 0


@pytest.mark.parametrize("service", ["event", "booking"])
def test_this_version_gets_no_requests_before_its_tables_are_there(
    environ: dict[str, str], service: str, tmp_path: Path
) -> None:
    """Nobody has to migrate first, if a balancer asks who is ready."""
    app, migrations = newest_migrations(service)
    manage(service, environ, "migrate", "--verbosity=0")
    manage(service, environ, "migrate", "--verbosity=0", app, migrations[-2])
    port = free_port()
    part = gunicorn(service, port, environ, tmp_path)
    url = f"http://127.0.0.1:{port}"
    try:
        part.start()
        wait_until_healthy(url, part)
        refused = httpx.get(f"{url}/health/ready", trust_env=False)
        manage(service, environ, "migrate", "--verbosity=0")
        until(
            lambda: httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200,
            "readiness without a restart",
        )
    finally:
        part.kill()

    problem = assert_problem(refused, 503, code="not_ready")
    assert problem["detail"] == f"migrations are missing: {app}.{migrations[-1]}"


def newest_migrations(service: str) -> tuple[str, list[str]]:
    app = {"event": "events", "booking": "bookings"}[service]
    files = (ROOT / f"{service}_project" / app / "migrations").glob("0*.py")
    return app, sorted(file.stem for file in files)
