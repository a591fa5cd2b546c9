"""What keeps working and what isn't lost while a part is down."""

import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from shared.serving.turns import MOST_AT_ONCE
from tests.support.end_to_end.clients import (
    EVENTS,
    Sale,
    all_at_once,
    assert_problem,
    event_input,
    open_client,
)
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.raw_http import JSON, connected, parsed, request, until_closed
from tests.support.end_to_end.system import OwnProcesses
from tests.support.outbox_sql import PENDING
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until


@pytest.fixture
def proxy(own: OwnProcesses) -> Iterator[TcpProxy]:
    """A proxy to the broker that can be cut."""
    parts = urlsplit(own.environ["RABBITMQ_URL"])
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    yield proxy
    proxy.close()


def test_booking_keeps_working_while_the_event_service_is_down(
    own: OwnProcesses, sale: Sale
) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=1)
    first = sale.booked(event, "a")
    own.event.kill()
    own.relay.kill()

    with pytest.raises(httpx.TransportError):
        sale.events.get("/health")
    assert sale.booked(event, "b")["status"] == "waitlisted"
    assert sale.book(event, "c").status_code == 409
    assert sale.cancel(first["id"]).status_code == 200
    assert sale.counts(event) == (1, 0, 0)
    assert sale.bookings.get("/health").status_code == 200


@pytest.mark.parametrize("service", ["event", "booking"])
def test_health_is_200_while_the_database_is_gone_and_calls_fail_as_problems(
    own: OwnProcesses, service: str
) -> None:
    dead = {f"{service.upper()}_DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    path = EVENTS if service == "event" else f"{EVENTS}/1/status"
    with own.another_service(service, f"{service}-without-database", **dead) as url:
        client = open_client(url)
        assert client.get("/health").status_code == 200
        assert_problem(client.get("/health/ready"), 503, code="not_ready")
        response = client.get(path)
        assert response.status_code in (500, 503)
        problem = assert_problem(response, response.status_code)
        assert "127.0.0.1" not in problem["message"]
        assert client.get("/health").status_code == 200
        client.close()


PATHS = {"event": f"{EVENTS}?name=a", "booking": f"{EVENTS}/1/status"}


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_silent_database_costs_each_request_a_503_and_holds_no_thread(
    own: OwnProcesses, service: str
) -> None:
    """Like a frozen server: the kernel keeps acknowledging, and no timeout of the server fires."""
    variable = f"{service.upper()}_DATABASE_URL"
    parts = urlsplit(own.environ[variable])
    way = TcpProxy(parts.hostname or "", parts.port or 5432)
    browser = {"Cookie": f"{service}_session=somebody", "Accept": "text/html"}
    with own.another_service(
        service, f"{service}-frozen", **{variable: way.url(own.environ[variable])}
    ) as url:
        client = open_client(url)
        client.timeout = httpx.Timeout(60)
        assert client.get(PATHS[service]).status_code in (200, 404)
        way.freeze()

        def ask(number: int) -> None:
            booking = {"user_id": f"user-{number}"}
            if number % 3 == 0:
                response = client.get(PATHS[service])
            elif service == "event":
                response = client.post(EVENTS, json=event_input())
            else:
                response = client.post(f"{EVENTS}/1/bookings", json=booking)
            assert_problem(response, 503, code="try_again_later")
            assert response.headers["Retry-After"] == "1"

        all_at_once(ask, range(60))
        assert client.get("/health").status_code == 200
        assert_problem(client.get("/health/ready"), 503, code="not_ready")
        assert_problem(client.get("/metrics"), 503, code="try_again_later")
        page = client.get("/admin/", headers=browser)
        assert page.status_code == 503
        assert page.headers["Retry-After"]

        way.mend()
        until(lambda: client.get(PATHS[service]).status_code in (200, 404), "an answer", seconds=60)
        until(lambda: client.get("/health/ready").status_code == 200, "ready again", seconds=60)
        client.close()
    way.close()


def test_a_silent_database_leaves_no_request_of_a_crowd_without_an_answer(
    own: OwnProcesses,
) -> None:
    """More than a worker has turns: those that wait for one get their answers, too."""
    variable = "BOOKING_DATABASE_URL"
    parts = urlsplit(own.environ[variable])
    way = TcpProxy(parts.hostname or "", parts.port or 5432)
    environ = {variable: way.url(own.environ[variable]), "BOOKING_WORKERS": "1"}
    with (
        own.another_service("booking", "booking-crowded", **environ) as url,
        open_client(url) as client,
        contextlib.ExitStack() as crowd,
    ):
        assert client.get(f"{EVENTS}/1/status").status_code in (200, 404)
        way.freeze()
        guests = [crowd.enter_context(connected(url)) for _ in range(3 * MOST_AT_ONCE)]
        booking = request(b"POST", b"/api/v1/events/1/bookings", [JSON], b'{"user_id": "ann"}')
        for guest in guests:
            guest.sendall(booking)

        assert client.get("/health").status_code == 200
        for guest in guests:
            answer = parsed(until_closed(guest))
            assert answer.status == 503
            assert answer.json["code"] == "try_again_later"
            assert answer.headers["retry-after"] == "1"
    way.close()


HASTY = {
    # Enough for this test, so that it doesn't wait as long as a worker would.
    "DATABASE_WAITS": "short",
    "EVENT_STATEMENT_TIMEOUT_MS": "3000",
    "BOOKING_STATEMENT_TIMEOUT_MS": "3000",
}


@pytest.mark.parametrize("worker", ["relay", "consumer"])
def test_a_worker_gives_up_on_a_silent_database_and_resumes_when_it_is_back(
    own: OwnProcesses, sale: Sale, worker: str
) -> None:
    regular, variable, command = {
        "relay": (own.relay, "EVENT_DATABASE_URL", ["manage_event.py", "relay_outbox"]),
        "consumer": (own.consumer, "BOOKING_DATABASE_URL", ["manage_booking.py", "consume_events"]),
    }[worker]
    parts = urlsplit(own.environ[variable])
    way = TcpProxy(parts.hostname or "", parts.port or 5432)
    environ = {**own.environ, **HASTY, variable: way.url(own.environ[variable])}
    part = Part(f"{worker}-frozen", command, environ, own.folder)
    with own.stopped(regular), own.running(part):
        sale.create_event()
        until(lambda: way.accepted, "a connection to the database", seconds=60)
        way.freeze()
        response = sale.events.post(EVENTS, json=event_input(name="Meanwhile"))
        assert response.status_code == 201
        until(lambda: "did not answer" in part.text(), "the end of its patience", seconds=60)
        assert part.is_running
        way.mend()
        until(lambda: sale.has(response.json()["id"]), "the event", seconds=60)
        until(lambda: _pending(own) == 0, "marks on the published messages", seconds=60)
        assert part.stop() == 0
    way.close()


def _pending(own: OwnProcesses) -> int:
    with psycopg.connect(own.environ["EVENT_DATABASE_URL"]) as database:
        row = database.execute(PENDING.encode()).fetchone()
        assert row is not None
        return int(row[0])


def test_a_statement_of_the_event_service_that_takes_too_long_is_ended_by_its_database(
    own: OwnProcesses,
) -> None:
    with (
        own.another_service("event", "event-slow", EVENT_STATEMENT_TIMEOUT_MS="300") as url,
        psycopg.connect(own.environ["EVENT_DATABASE_URL"]) as somebody,
    ):
        client = open_client(url)
        somebody.execute("LOCK TABLE events_event IN ACCESS EXCLUSIVE MODE")
        assert_problem(client.get(EVENTS), 503, code="try_again_later")
        somebody.rollback()
        assert client.get(EVENTS).status_code == 200
        client.close()


def test_an_event_created_while_the_consumer_is_stopped_arrives_after_its_return(
    own: OwnProcesses, sale: Sale
) -> None:
    with own.stopped(own.consumer):
        response = sale.events.post(EVENTS, json=event_input(name="Meanwhile"))
        assert response.status_code == 201
        event = response.json()["id"]
        assert not sale.has(event)

    sale.wait_for(event)
    assert sale.status(event)["name"] == "Meanwhile"


def test_a_stopped_consumer_exits_with_zero_and_without_a_traceback(own: OwnProcesses) -> None:
    start = own.consumer.log.stat().st_size

    assert own.consumer.stop() == 0

    assert "Traceback" not in own.consumer.text(start)


def test_a_killed_consumer_loses_no_event(own: OwnProcesses, sale: Sale) -> None:
    def create(number: int) -> int:
        response = sale.events.post(EVENTS, json=event_input(name=f"Number {number}"))
        assert response.status_code == 201
        event: int = response.json()["id"]
        return event

    events = [create(number) for number in range(5)]
    own.consumer.kill()
    events += [create(number) for number in range(5, 10)]
    own.consumer.start()

    for event in events:
        sale.wait_for(event)


def test_an_event_created_while_the_broker_is_away_arrives_through_the_relay(
    own: OwnProcesses, sale: Sale, proxy: TcpProxy
) -> None:
    through_proxy = {"RABBITMQ_URL": proxy.url(own.environ["RABBITMQ_URL"])}
    with (
        own.stopped(own.relay),
        own.another_service("event", "event-behind-proxy", **through_proxy) as url,
    ):
        client = open_client(url)
        proxy.cut()
        response = client.post(EVENTS, json=event_input(name="In the dark"))
        assert response.status_code == 201, "it does not wait for the broker"
        event = response.json()["id"]
        client.close()
        with own.another_relay("relay-behind-proxy", **through_proxy) as relay:
            until(lambda: "trying again" in relay.text(), "a failed attempt of the relay")
            assert not sale.has(event)
            proxy.mend()
            sale.wait_for(event)

    assert sale.status(event)["name"] == "In the dark"


def test_a_killed_worker_loses_no_booking_that_was_acknowledged(
    own: OwnProcesses, sale: Sale
) -> None:
    event = sale.create_event(max_seats=1000, waitlist_limit=0)
    acknowledged: list[int] = []
    killed = threading.Event()

    def book_on(thread: int) -> int:
        """Until some time after the kill. A lost response may hide a booking, never invent one."""
        lost = attempt = after = 0
        while after < 10:
            attempt += 1
            after += killed.is_set()
            try:
                response = sale.book(event, f"user-{thread}-{attempt}")
            except httpx.TransportError:
                lost += 1
                continue
            assert response.status_code == 201, response.text
            acknowledged.append(response.json()["id"])
        return lost

    def kill_a_worker(_: int) -> int:
        until(lambda: len(acknowledged) > 50, "bookings under way")
        own.booking.workers[0].kill()
        killed.set()
        return 0

    actions = [kill_a_worker, *[book_on] * 12]
    lost = sum(all_at_once(lambda number: actions[number](number), range(len(actions))))

    assert len(acknowledged) > 100
    stored = {booking["id"] for booking in sale.list(event, limit="1000")}
    assert stored >= set(acknowledged)
    assert len(stored) <= len(acknowledged) + lost
    assert sale.counts(event) == (len(stored), 0, 1000 - len(stored))
    until(lambda: len(own.booking.workers) == 2, "a new worker")


def test_a_stop_under_load_answers_the_requests_it_accepted(own: OwnProcesses, sale: Sale) -> None:
    event = sale.create_event(max_seats=1000, waitlist_limit=0)
    acknowledged: list[int] = []
    start = own.booking.log.stat().st_size

    def book_on(thread: int) -> None:
        for attempt in range(1000):
            try:
                response = sale.book(event, f"user-{thread}-{attempt}")
            except httpx.TransportError:
                return
            assert response.status_code == 201, response.text
            acknowledged.append(response.json()["id"])

    def stop(_: int) -> None:
        until(lambda: len(acknowledged) > 20, "bookings under way")
        assert own.booking.stop() == 0

    actions = [stop, *[book_on] * 6]
    all_at_once(lambda number: actions[number](number), range(len(actions)))

    own.ensure_running()
    stored = {booking["id"] for booking in sale.list(event, limit="1000")}
    assert stored >= set(acknowledged)
    assert sale.counts(event)[0] == len(stored)
    assert "Traceback" not in own.booking.text(start)
