"""Clients that lost the response and retry with the same `Idempotency-Key`."""

import json
import secrets
import socket
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale, all_at_once, assert_problem, event_input
from tests.support.end_to_end.system import OwnProcesses
from tests.support.waiting import until


@pytest.fixture
def key() -> str:
    return secrets.token_hex(16)


def post(client: httpx.Client, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": key})


def post_and_hang_up(client: httpx.Client, path: str, body: dict[str, Any], key: str) -> None:
    """Sends the whole request and closes the connection without reading the response."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {client.base_url.netloc.decode()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        f"Idempotency-Key: {key}\r\n\r\n"
    )
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address) as connection:
        connection.sendall(head.encode() + content)


def test_a_client_that_hung_up_after_booking_gets_that_booking(sale: Sale, key: str) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=0)
    path, body = f"{EVENTS}/{event}/bookings", {"user_id": "ann"}

    post_and_hang_up(sale.bookings, path, body, key)
    [booking] = until(lambda: sale.list(event), "booking")
    again = [post(sale.bookings, path, body, key) for _ in range(3)]

    for answer in again:
        assert answer.status_code == 201, answer.text
        assert answer.json() == booking
        assert answer.headers["Idempotency-Replayed"] == "true"
    assert sale.list(event) == [booking]
    assert sale.counts(event) == (1, 0, 0)


def test_a_client_that_hung_up_and_retries_at_once_is_booked_once(sale: Sale) -> None:
    event = sale.create_event()
    path = f"{EVENTS}/{event}/bookings"

    def hang_up_and_retry(number: int) -> dict[str, Any]:
        body, key = {"user_id": f"user-{number}"}, secrets.token_hex(16)
        post_and_hang_up(sale.bookings, path, body, key)
        answer = post(sale.bookings, path, body, key)
        assert answer.status_code == 201, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    answered = all_at_once(hang_up_and_retry, range(20))

    # If the retry was faster, the first request may still be running.
    assert sorted(sale.list(event), key=lambda each: each["id"]) == sorted(
        answered, key=lambda each: each["id"]
    )


def test_a_client_that_hung_up_after_creating_an_event_gets_that_event(
    sale: Sale, key: str
) -> None:
    body = event_input(name=f"Workshop {key}")

    def found() -> list[dict[str, Any]]:
        events, url = [], EVENTS
        while url:
            page = sale.events.get(url, params={"limit": 1000} if url == EVENTS else None)
            events += [event for event in page.json() if event["name"] == body["name"]]
            url = page.links.get("next", {}).get("url")
        return events

    post_and_hang_up(sale.events, EVENTS, body, key)
    [event] = until(found, "event")
    again = post(sale.events, EVENTS, body, key)

    assert again.status_code == 201, again.text
    assert again.json() == event
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == '"1"'
    assert found() == [event]


def test_twenty_posts_of_one_key_at_once_make_one_booking(sale: Sale, key: str) -> None:
    event = sale.create_event()
    path = f"{EVENTS}/{event}/bookings"

    answers = all_at_once(
        lambda user: post(sale.bookings, path, {"user_id": user}, key), ["eager"] * 20
    )

    assert Counter(answer.status_code for answer in answers) == {201: 20}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert sale.list(event) == [answers[0].json()]
    assert sale.counts(event) == (1, 0, 49)


def test_twenty_posts_of_one_key_at_once_make_one_event(sale: Sale, key: str) -> None:
    body = event_input(name=f"Workshop {key}")

    answers = all_at_once(lambda _: post(sale.events, EVENTS, body, key), range(20))

    created = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["id"] for answer in created}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in created) == 1
    for answer in answers:
        if answer not in created:
            assert_problem(answer, 409, code="idempotency_key_in_use")
            assert answer.headers["Retry-After"] == "1"


def test_a_key_is_known_to_a_process_that_started_later(
    sale: Sale, own: OwnProcesses, key: str
) -> None:
    event = sale.create_event()
    path, body = f"{EVENTS}/{event}/bookings", {"user_id": "ann"}
    first = post(sale.bookings, path, body, key)

    own.booking.kill()
    own.ensure_running()
    again = post(sale.bookings, path, body, key)

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_request_with_two_keys_is_refused(sale: Sale) -> None:
    event = sale.create_event()

    answer = sale.bookings.post(
        f"{EVENTS}/{event}/bookings",
        json={"user_id": "ann"},
        headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "a")],
    )

    assert_problem(answer, 400, code="invalid_idempotency_key")


def test_a_key_used_with_another_body_is_refused(sale: Sale, key: str) -> None:
    path = f"{EVENTS}/{sale.create_event()}/bookings"
    assert post(sale.bookings, path, {"user_id": "ann"}, key).status_code == 201

    answer = post(sale.bookings, path, {"user_id": "ben"}, key)

    assert_problem(answer, 422, code="idempotency_key_reused")
