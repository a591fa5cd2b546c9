"""Each row of the booking service's contract, over HTTP through gunicorn."""

from uuid import uuid4

import httpx
import pytest

from tests.support.end_to_end.clients import BOOKINGS, EVENTS, Sale, assert_problem, from_now
from tests.support.waiting import until


def test_health(sale: Sale) -> None:
    response = sale.bookings.get("/health")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok", "service": "booking-service"}


def test_the_status_has_exactly_the_fields_of_the_contract(sale: Sale) -> None:
    event = sale.create_event(name="งาน", price=2500.5, max_seats=3, waitlist_limit=2)
    sale.booked(event, "a")

    response = sale.bookings.get(f"{EVENTS}/{event}/status")

    original = sale.events.get(f"{EVENTS}/{event}").json()
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json().items()) == [
        ("id", event),
        ("name", "งาน"),
        ("max_seats", 3),
        ("waitlist_limit", 2),
        ("price", 2500.5),
        ("booking_start_at", original["booking_start_at"]),
        ("booking_end_at", original["booking_end_at"]),
        ("confirmed_count", 1),
        ("waitlisted_count", 0),
        ("seats_available", 2),
        ("cancelled_at", None),
    ]


def test_the_status_of_a_cancelled_event_has_no_seats_and_says_since_when(sale: Sale) -> None:
    event = sale.create_event(max_seats=3)
    cancelled = sale.events.post(f"{EVENTS}/{event}/cancel").json()

    status = until(
        lambda: status if (status := sale.status(event))["cancelled_at"] else None,
        "cancelled event",
        seconds=60,
    )

    assert status["cancelled_at"] == cancelled["cancelled_at"]
    assert status["seats_available"] == 0


def test_a_confirmed_and_a_waitlisted_booking_have_the_fields_of_the_contract(sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=1)

    confirmed = sale.book(event, "user-001")
    waitlisted = sale.book(event, "user-002")

    assert confirmed.status_code == waitlisted.status_code == 201
    assert confirmed.headers["Content-Type"] == "application/json"
    assert list(confirmed.json()) == ["id", "event_id", "user_id", "status", "created_at"]
    assert list(waitlisted.json()) == [
        *("id", "event_id", "user_id", "status", "waitlist_order", "created_at")
    ]
    assert confirmed.json() == {
        "id": confirmed.json()["id"],
        "event_id": event,
        "user_id": "user-001",
        "status": "confirmed",
        "created_at": confirmed.json()["created_at"],
    }
    assert confirmed.json()["created_at"].endswith("Z")
    assert waitlisted.json()["status"] == "waitlisted"
    assert waitlisted.json()["waitlist_order"] == 1
    assert sale.booking(confirmed.json()["id"]) == confirmed.json()
    read = sale.booking(waitlisted.json()["id"])
    assert read == {**waitlisted.json(), "waitlist_position": 1}


def test_bookings_are_listed_and_filtered(sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=2)
    bookings = [sale.booked(event, user)["id"] for user in ("a", "b", "c")]
    sale.cancel(bookings[2])

    def ids(**query: str) -> list[int]:
        return [booking["id"] for booking in sale.list(event, **query)]

    assert ids() == bookings
    assert ids(status="confirmed") == [bookings[0]]
    assert ids(status="waitlisted") == [bookings[1]]
    assert ids(status="cancelled") == [bookings[2]]
    page = sale.bookings.get(f"{EVENTS}/{event}/bookings", params={"limit": 2})
    assert [booking["id"] for booking in page.json()] == bookings[:2]
    assert [b["id"] for b in sale.bookings.get(page.links["next"]["url"]).json()] == bookings[2:]


def test_a_users_bookings_are_listed_over_all_events(sale: Sale) -> None:
    user = f"user {uuid4()}"
    events = [sale.create_event(max_seats=1), sale.create_event(max_seats=1)]
    sale.booked(events[1], "somebody-else")
    rows = [sale.booked(event, user) for event in events]

    response = sale.bookings.get(BOOKINGS, params={"user_id": user})
    waiting = sale.bookings.get(BOOKINGS, params={"user_id": user, "status": "waitlisted"})
    first = sale.bookings.get(BOOKINGS, params={"user_id": user, "limit": 1})

    assert response.status_code == 200
    assert response.json() == rows
    assert waiting.json() == rows[1:]
    assert sale.bookings.get(first.links["next"]["url"]).json() == rows[1:]
    assert_problem(sale.bookings.get(BOOKINGS), 400, message="user_id is required")


def test_the_position_in_line_moves_while_the_order_stays(sale: Sale) -> None:
    event = sale.create_event(max_seats=1)
    seat = sale.booked(event, "a")["id"]
    first, second = (sale.booked(event, user)["id"] for user in ("b", "c"))

    def place(booking_id: int) -> tuple[object, object]:
        booking = sale.booking(booking_id)
        return booking.get("waitlist_order"), booking.get("waitlist_position")

    assert [place(first), place(second)] == [(1, 1), (2, 2)]
    sale.cancel(seat)
    assert [place(first), place(second)] == [(None, None), (2, 1)]


def test_a_cancelled_booking_stays_readable_and_its_user_may_book_again(sale: Sale) -> None:
    event = sale.create_event()
    booking = sale.booked(event, "a")

    response = sale.cancel(booking["id"])

    assert response.status_code == 200
    assert response.json() == {**booking, "status": "cancelled"}
    assert sale.booking(booking["id"]) == response.json()
    again = sale.cancel(booking["id"])
    assert_problem(again, 400, code="already_cancelled", message="booking is already cancelled")
    assert sale.booked(event, "a")["id"] > booking["id"]


def test_refusals_of_a_booking(sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=0)
    sale.booked(event, "a")

    assert_problem(
        sale.book(event, "a"),
        409,
        code="already_booked",
        message="user already has an active booking for this event",
    )
    assert_problem(
        sale.book(event, "b"),
        409,
        code="fully_booked",
        message="event is fully booked (seats + waitlist)",
    )
    assert_problem(
        sale.book(999_999_999, "a"), 404, code="event_not_found", message="event not found"
    )


@pytest.mark.parametrize("body", [{}, {"user_id": ""}, {"user_id": "  "}, {"user_id": None}])
def test_a_booking_without_a_user_is_400(sale: Sale, body: dict[str, object]) -> None:
    event = sale.create_event()

    response = sale.bookings.post(f"{EVENTS}/{event}/bookings", json=body)

    assert_problem(response, 400, message="user_id is required")


@pytest.mark.parametrize("window", [(-2, -1), (1, 2)], ids=["after its end", "before its start"])
def test_outside_its_window_an_event_is_not_booked(sale: Sale, window: tuple[int, int]) -> None:
    start, end = (from_now(hours=hours) for hours in window)
    event = sale.create_event(booking_start_at=start, booking_end_at=end)

    assert_problem(
        sale.book(event, "a"), 400, code="booking_not_open", message="booking is not open"
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", f"{EVENTS}/abc/status", 400, "invalid event id"),
        ("GET", f"{EVENTS}/999999999/status", 404, "event not found"),
        ("GET", f"{EVENTS}/999999999/bookings", 404, "event not found"),
        ("POST", f"{EVENTS}/0/bookings", 400, "invalid event id"),
        ("GET", f"{BOOKINGS}/abc", 400, "invalid booking id"),
        ("GET", f"{BOOKINGS}/999999999", 404, "booking not found"),
        ("GET", f"{BOOKINGS}/{'9' * 100}", 404, "booking not found"),
        ("DELETE", f"{BOOKINGS}/-1", 400, "invalid booking id"),
        ("DELETE", f"{BOOKINGS}/999999999", 404, "booking not found"),
        ("GET", "/nowhere", 404, "there is nothing at this path"),
    ],
)
def test_a_bad_path_is_a_problem(
    sale: Sale, method: str, path: str, status: int, message: str
) -> None:
    body = {"user_id": "a"} if method == "POST" else None

    assert_problem(sale.bookings.request(method, path, json=body), status, message=message)


def test_bad_parameters_of_the_list_are_400(sale: Sale) -> None:
    event = sale.create_event()

    for query, code in (
        ({"status": "lost"}, "invalid_status"),
        ({"limit": "1001"}, "invalid_limit"),
        ({"cursor": "x"}, "invalid_cursor"),
    ):
        response = sale.bookings.get(f"{EVENTS}/{event}/bookings", params=query)
        assert_problem(response, 400, code=code)


def test_a_form_a_huge_body_and_a_wrong_method_are_problems(sale: Sale) -> None:
    path = f"{EVENTS}/{sale.create_event()}/bookings"

    assert_problem(sale.bookings.post(path, data={"user_id": "a"}), 415)
    assert_problem(sale.bookings.post(path, json={"user_id": "x" * 1_000_000}), 413)
    assert_problem(sale.bookings.put(path, json={}), 405)


def test_a_booking_in_chunks_is_read_like_any_other(sale: Sale) -> None:
    event = sale.create_event()
    body = httpx.Request("POST", "http://x", json={"user_id": "chunky"}).content

    response = sale.bookings.post(
        f"{EVENTS}/{event}/bookings",
        content=iter([body[:5], body[5:]]),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 201, response.text
    assert response.json()["user_id"] == "chunky"


def test_ids_follow_each_other_and_refusals_use_up_none(sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=2)
    first = sale.booked(event, "a")["id"]
    assert sale.book(event, "a").status_code == 409
    second = sale.booked(event, "b")["id"]
    assert sale.bookings.post(f"{EVENTS}/{event}/bookings", json={}).status_code == 400
    assert sale.book(999_999_999, "a").status_code == 404
    third = sale.booked(event, "c")["id"]
    for user in ("d", "e"):
        assert sale.book(event, user).status_code == 409
    other = sale.create_event()

    assert sale.booked(other, "a")["id"] == third + 1
    assert [second, third] == [first + 1, first + 2]
    assert other == event + 1
