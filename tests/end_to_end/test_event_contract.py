"""Each row of the event service's contract, over HTTP through gunicorn."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale, assert_problem, event_input, from_now
from tests.support.waiting import until


def chunked(text: bytes) -> Iterator[bytes]:
    """httpx sends an iterator without a Content-Length, in chunks."""
    yield text[: len(text) // 2]
    yield text[len(text) // 2 :]


def test_health(sale: Sale) -> None:
    response = sale.events.get("/health")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok", "service": "event-service"}


def test_an_event_is_created_read_and_listed(sale: Sale) -> None:
    sent = event_input(
        name="งาน",
        price=2500.5,
        booking_start_at="2026-02-20T17:00:00+07:00",
        booking_end_at="2026-02-25T17:00:00+07:00",
    )
    response = sale.events.post(EVENTS, json=sent)

    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    event = response.json()
    assert list(event) == [
        *("id", "name", "max_seats", "waitlist_limit", "price"),
        *("booking_start_at", "booking_end_at"),
        *("description", "venue", "starts_at", "ends_at", "time_zone", "currency"),
        "waiting_room_rate",
        *("created_at", "updated_at", "version", "cancelled_at"),
    ]
    assert event["name"] == "งาน"
    assert b'"price":2500.5,' in response.content
    assert event["booking_start_at"] == "2026-02-20T10:00:00Z"
    assert event["created_at"].endswith("Z")
    read = sale.events.get(f"{EVENTS}/{event['id']}")
    assert read.status_code == 200
    assert read.json() == event
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert event in everything(sale)


def everything(sale: Sale) -> list[object]:
    """All pages, by the `Link` header."""
    found: list[object] = []
    url: str | None = f"{EVENTS}?limit=50"
    while url:
        response = sale.events.get(url)
        assert response.status_code == 200
        assert isinstance(response.json(), list)
        found += response.json()
        url = response.links.get("next", {}).get("url")
    return found


def test_the_list_is_filtered_by_window_and_name(sale: Sale) -> None:
    name = f"Filtered {uuid4()}"
    windows = {"over": (-2, -1), "open": (-1, 1), "upcoming": (1, 2)}
    made = {
        kind: sale.events.post(
            EVENTS,
            json=event_input(
                name=f"{name} {kind}",
                booking_start_at=from_now(hours=start),
                booking_end_at=from_now(hours=end),
            ),
        ).json()["id"]
        for kind, (start, end) in windows.items()
    }

    def found(**query: str) -> list[int]:
        response = sale.events.get(EVENTS, params={"name": name.upper(), **query})
        assert response.status_code == 200, response.text
        return [event["id"] for event in response.json()]

    assert found() == list(made.values())
    assert found(open="true") == [made["open"]]
    assert found(upcoming="true") == [made["upcoming"]]
    assert found(open="false", upcoming="false") == [made["over"]]
    sale.events.post(f"{EVENTS}/{made['open']}/cancel")
    assert found(open="true") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"open": "1"}, "invalid_open"),
        ({"upcoming": ""}, "invalid_upcoming"),
        ({"name": "\x00"}, "invalid_name"),
        ({"name": "x" * 256}, "invalid_name"),
    ],
)
def test_a_bad_filter_is_400(sale: Sale, query: dict[str, str], code: str) -> None:
    assert_problem(sale.events.get(EVENTS, params=query), 400, code=code)


def test_pages_are_linked_by_absolute_urls(sale: Sale) -> None:
    for _ in range(3):
        sale.events.post(EVENTS, json=event_input())

    first = sale.events.get(EVENTS, params={"limit": 1})
    second = sale.events.get(first.links["next"]["url"])

    assert len(first.json()) == len(second.json()) == 1
    assert first.json()[0]["id"] < second.json()[0]["id"]
    assert sale.events.get(second.links["prev"]["url"]).json() == first.json()
    assert first.links["next"]["url"].startswith(str(sale.events.base_url).rstrip("/"))


def test_an_event_is_changed_and_the_booking_service_learns_of_it(sale: Sale) -> None:
    event_id = sale.create_event(max_seats=1, price=5)
    created = sale.events.get(f"{EVENTS}/{event_id}").json()

    response = sale.events.patch(f"{EVENTS}/{event_id}", json={"max_seats": 7, "ignored": None})

    assert response.status_code == 200, response.text
    changed = response.json()
    assert changed == {
        **created,
        "max_seats": 7,
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert response.headers["ETag"] == '"2"'
    until(lambda: sale.status(event_id)["max_seats"] == 7, "7 seats in the booking service")


def test_a_cancelled_event_stays_cancelled_and_as_it_is(sale: Sale) -> None:
    event_id = sale.create_event()

    first = sale.events.post(f"{EVENTS}/{event_id}/cancel")
    second = sale.events.post(f"{EVENTS}/{event_id}/cancel")

    assert first.status_code == second.status_code == 200, first.text
    assert first.json()["cancelled_at"].endswith("Z")
    assert first.json()["version"] == 2
    assert second.json() == first.json()
    late = sale.events.patch(f"{EVENTS}/{event_id}", json={"name": "Too late"})
    assert_problem(late, 409, code="event_cancelled", message="event is cancelled")


def test_a_version_that_was_not_seen_is_not_overwritten(sale: Sale) -> None:
    path = f"{EVENTS}/{sale.create_event()}"
    seen = sale.events.get(path).headers["ETag"]
    assert seen == '"1"'

    first = sale.events.patch(path, json={"name": "First"}, headers={"If-Match": seen})
    second = sale.events.patch(path, json={"name": "Second"}, headers={"If-Match": seen})

    assert first.status_code == 200, first.text
    assert_problem(second, 412, code="precondition_failed")
    known = sale.events.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"max_seats": 0},
        {"price": "5"},
        {"booking_end_at": "2000-01-01T00:00:00Z"},
        {"booking_start_at": "2026-02-20T17:00:00"},
    ],
)
def test_a_bad_change_is_400(sale: Sale, changes: dict[str, object]) -> None:
    path = f"{EVENTS}/{sale.create_event()}"

    problem = assert_problem(sale.events.patch(path, json=changes), 400, code="invalid_input")

    assert list(problem["errors"]) == list(changes)
    assert sale.events.get(path).json()["version"] == 1


def test_an_unknown_event_can_be_neither_changed_nor_cancelled(sale: Sale) -> None:
    path = f"{EVENTS}/999999999"

    for response in (sale.events.patch(path, json={}), sale.events.post(f"{path}/cancel")):
        assert_problem(response, 404, code="event_not_found", message="event not found")
    assert_problem(sale.events.post(f"{EVENTS}/abc/cancel"), 400, message="invalid event id")
    broken = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert_problem(sale.events.post(f"{path}/cancel", **broken), 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "\u200b"},
        {"max_seats": 0},
        {"max_seats": "50"},
        {"max_seats": 2**31},
        {"waitlist_limit": -1},
        {"price": -1},
        {"booking_start_at": "2026-02-20T17:00:00"},
        {"booking_start_at": "2026-02-20T17:00:00Z", "booking_end_at": "2026-02-20T17:00:00Z"},
    ],
)
def test_bad_input_is_400(sale: Sale, changes: dict[str, object]) -> None:
    response = sale.events.post(EVENTS, json=event_input(**changes))

    assert_problem(response, 400, code="invalid_input")


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        (f"{EVENTS}/abc", 400, "invalid event id"),
        (f"{EVENTS}/0", 400, "invalid event id"),
        (f"{EVENTS}/-1", 400, "invalid event id"),
        (f"{EVENTS}/1%00", 400, "invalid event id"),
        (f"{EVENTS}/999999999", 404, "event not found"),
        (f"{EVENTS}/{'9' * 100}", 404, "event not found"),
        (f"{EVENTS}?limit=0", 400, "limit must be a whole number from 1 to 1000"),
        (f"{EVENTS}?cursor=x", 400, "cursor was not issued by this API"),
        ("/nowhere", 404, "there is nothing at this path"),
    ],
)
def test_a_bad_path_is_a_problem(sale: Sale, path: str, status: int, message: str) -> None:
    assert_problem(sale.events.get(path), status, message=message)


def test_a_body_in_chunks_is_read_like_any_other(sale: Sale) -> None:
    whole = httpx.Request("POST", "http://x", json=event_input(name="In chunks")).content

    response = sale.events.post(
        EVENTS, content=chunked(whole), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 201, response.text
    assert response.json()["name"] == "In chunks"


def test_a_body_that_is_not_json_is_415_and_one_that_is_too_large_413(sale: Sale) -> None:
    assert_problem(sale.events.post(EVENTS, data={"name": "a"}), 415)
    large = event_input(name="x" * 10_000_000)
    assert_problem(sale.events.post(EVENTS, json=large), 413, code="body_too_large")
    deep = b"[" * 1000 + b"]" * 1000
    json = {"Content-Type": "application/json"}
    assert_problem(sale.events.post(EVENTS, content=deep, headers=json), 400)


def test_a_body_too_large_in_chunks_is_413(sale: Sale) -> None:
    response = sale.events.post(
        EVENTS,
        content=chunked(b'{"name": "' + b"x" * 1_000_000 + b'"}'),
        headers={"Content-Type": "application/json"},
    )

    assert_problem(response, 413, code="body_too_large")


def test_a_wrong_method_is_405(sale: Sale) -> None:
    response = sale.events.delete(EVENTS)

    assert_problem(response, 405, code="method_not_allowed")
    assert "POST" in response.headers["Allow"]


def test_a_browser_gets_pages(sale: Sale) -> None:
    html = {"Accept": "text/html"}

    for path in (EVENTS, "/admin/login/"):
        response = sale.events.get(path, headers=html)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
