"""Each request leaves a log line, a measurement and its id."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from tests.support.end_to_end.clients import assert_problem, open_client
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.system import OwnProcesses, System
from tests.support.waiting import until

STATUS = "/api/v1/events/999999999/status"
ROUTE = "api/v1/events/<str:event_id>/status"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def service(system: System) -> Iterator[tuple[httpx.Client, Part]]:
    own = system.own
    if own is None:
        pytest.skip("the log of services that run elsewhere can't be read")
    with own.another_service("booking", "booking-json", LOG_FORMAT="json") as url:
        client = open_client(url)
        yield client, own.extra[-1]
        client.close()


@pytest.fixture
def client(service: tuple[httpx.Client, Part]) -> httpx.Client:
    return service[0]


@pytest.fixture
def lines(service: tuple[httpx.Client, Part]) -> Lines:
    """The log's lines since the test began, each of which is an object."""
    log = service[1]
    start = log.log.stat().st_size
    return lambda: [json.loads(line) for line in log.text(start).splitlines()]


def line_of(request_id: str, lines: Lines) -> dict[str, Any]:
    found: Sequence[dict[str, Any]] = until(
        lambda: [line for line in lines() if line.get("request_id") == request_id],
        f"the line of {request_id}",
    )
    assert len(found) == 1, found
    return found[0]


def test_a_request_leaves_one_line(client: httpx.Client, lines: Lines) -> None:
    response = client.get(STATUS, headers={"X-Request-ID": "order-7.a"})

    line = line_of("order-7.a", lines)
    assert response.headers["X-Request-ID"] == "order-7.a"
    assert line.pop("ms") >= 0
    assert line.pop("process")
    assert line.pop("time").endswith("Z")
    assert line.pop("message").startswith(f"GET {STATUS} 404 event_not_found ")
    assert line == {
        "level": "INFO",
        "logger": "requests",
        "request_id": "order-7.a",
        "method": "GET",
        "route": ROUTE,
        "path": STATUS,
        "status": 404,
        "code": "event_not_found",
    }


def test_the_id_is_in_the_problem(client: httpx.Client) -> None:
    response = client.get(STATUS)

    problem = assert_problem(response, 404)
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert len(problem["request_id"]) == 32


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, 'a"b', "ä", "a;b"])
def test_an_id_that_logs_can_not_hold_is_replaced(client: httpx.Client, given: str) -> None:
    response = client.get(STATUS, headers={b"X-Request-ID": given.encode()})

    assert response.headers["X-Request-ID"] != given
    assert len(response.headers["X-Request-ID"]) == 32


def test_a_path_can_not_forge_a_line(client: httpx.Client, lines: Lines) -> None:
    client.get("/nothing%0a%7b%22level%22:%22ERROR%22%7d", headers={"X-Request-ID": "forged"})

    assert line_of("forged", lines)["path"] == '/nothing\n{"level":"ERROR"}'


def test_what_gunicorn_logs_has_the_same_form(service: tuple[httpx.Client, Part]) -> None:
    first = json.loads(service[1].text().splitlines()[0])

    assert first["logger"] == "gunicorn.error"
    assert first["level"] == "INFO"


def test_any_process_tells_what_all_have_answered(client: httpx.Client) -> None:
    name = f'http_request_duration_seconds_count{{method="GET",route="{ROUTE}",status="404"}}'

    def counted() -> float:
        text = client.get("/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    before = counted()
    for _ in range(20):
        httpx.get(
            str(client.base_url).rstrip("/") + STATUS, trust_env=False
        )  # on its own connection

    assert {counted() for _ in range(10)} == {before + 20}


def test_a_crowd_is_counted_instead_of_logged(own: OwnProcesses) -> None:
    with own.another_service(
        "booking",
        "booking-brief",
        LOG_FORMAT="json",
        LOG_REQUESTS_PER_SECOND="1",
        BOOKING_WORKERS="1",
    ) as url:
        log = own.extra[-1]
        client = open_client(url)
        for _ in range(50):
            client.get(STATUS)

        def left_out() -> int:
            client.get(STATUS)
            texts = [json.loads(line)["message"] for line in log.text().splitlines()]
            return sum(int(text.split()[0]) for text in texts if "more requests" in text)

        until(lambda: left_out() > 0, "the number of those left out")
        client.close()
