"""`/api/v1/events/{id}/bookings` and `/api/v1/bookings/{id}`, row by row of the contract."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from booking_project.bookings.models import Booking, Event
from tests.support.booking.factories import EventFactory, booked, now, users
from tests.support.booking.problems import assert_problem
from tests.support.lists import ids, links

pytestmark = pytest.mark.django_db

RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def book(browser: Client, event: Event | int, body: Any) -> HttpResponse:
    number = event.pk if isinstance(event, Event) else event
    return browser.post(
        f"/api/v1/events/{number}/bookings", data=json.dumps(body), content_type="application/json"
    )


class TestBooking:
    def test_a_seat(self, browser: Client) -> None:
        event = EventFactory()

        response = book(browser, event, {"user_id": "ann"})

        assert response.status_code == 201
        assert response["Content-Type"] == "application/json"
        answer = response.json()
        created_at = answer.pop("created_at")
        assert answer == {
            "id": Booking.objects.get().pk,
            "event_id": event.pk,
            "user_id": "ann",
            "status": "confirmed",
        }
        assert RFC_3339_UTC.fullmatch(created_at)

    def test_a_place_in_line(self, browser: Client) -> None:
        event = EventFactory(max_seats=1)
        booked(event, ["ann"])

        response = book(browser, event, {"user_id": "ben"})

        assert response.status_code == 201
        assert list(response.json()) == [
            "id",
            "event_id",
            "user_id",
            "status",
            "waitlist_order",
            "created_at",
        ]
        assert response.json()["status"] == "waitlisted"
        assert response.json()["waitlist_order"] == 1

    def test_a_user_id_as_long_as_may_be(self, browser: Client) -> None:
        response = book(browser, EventFactory(), {"user_id": "é" * 255})

        assert response.status_code == 201
        assert response.json()["user_id"] == "é" * 255

    @pytest.mark.parametrize("user_id", ["👩‍👩‍👧", "สมชาย", "a b", "user@example.com", "0"])
    def test_a_user_id_of_any_script(self, browser: Client, user_id: str) -> None:
        response = book(browser, EventFactory(), {"user_id": user_id})

        assert response.status_code == 201
        assert response.json()["user_id"] == user_id

    def test_unknown_fields_are_ignored(self, browser: Client) -> None:
        response = book(browser, EventFactory(), {"user_id": "ann", "status": "waitlisted"})

        assert response.json()["status"] == "confirmed"


class TestBookingRefused:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"user_id": ""},
            {"user_id": "   "},
            {"user_id": "\u200b\u200d\ufeff"},
            {"user_id": "\u2003\u3000"},
            {"user_id": None},
            {"User_id": "ann"},
        ],
    )
    def test_without_a_user_id(self, browser: Client, body: dict[str, Any]) -> None:
        response = book(browser, EventFactory(), body)

        problem = assert_problem(response, 400, code="invalid_input")
        assert problem["message"] == "user_id is required"
        assert problem["errors"] == {"user_id": ["user_id is required"]}
        assert Booking.objects.count() == 0

    @pytest.mark.parametrize(
        "user_id",
        [5, 5.5, True, ["ann"], {"id": "ann"}, "nul\x00", "bell\x07", "half \ud800", "x" * 256],
    )
    def test_with_an_invalid_user_id(self, browser: Client, user_id: Any) -> None:
        response = book(browser, EventFactory(), {"user_id": user_id})

        problem = assert_problem(response, 400, code="invalid_input")
        assert list(problem["errors"]) == ["user_id"]
        assert problem["message"].startswith("user_id")
        assert Booking.objects.count() == 0

    @pytest.mark.parametrize("body", [[], "ann", 5, None, True, [{"user_id": "ann"}]])
    def test_with_a_body_that_is_not_an_object(self, browser: Client, body: Any) -> None:
        assert_problem(book(browser, EventFactory(), body), 400)
        assert Booking.objects.count() == 0

    def test_before_the_window(self, browser: Client) -> None:
        response = book(browser, EventFactory(not_started=True), {"user_id": "ann"})

        problem = assert_problem(response, 400, code="booking_not_open")
        assert problem["message"] == "booking is not open"

    def test_after_the_window(self, browser: Client) -> None:
        response = book(browser, EventFactory(over=True), {"user_id": "ann"})

        assert_problem(response, 400, code="booking_not_open")

    def test_of_an_unknown_event(self, browser: Client) -> None:
        problem = assert_problem(
            book(browser, 99999, {"user_id": "a"}), 404, code="event_not_found"
        )
        assert problem["message"] == "event not found"

    def test_of_a_user_who_has_booked(self, browser: Client) -> None:
        event = EventFactory()
        booked(event, ["ann"])

        problem = assert_problem(
            book(browser, event, {"user_id": "ann"}), 409, code="already_booked"
        )
        assert problem["message"] == "user already has an active booking for this event"

    def test_of_a_full_event(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=1)
        booked(event, ["ann", "ben"])

        problem = assert_problem(book(browser, event, {"user_id": "cat"}), 409, code="fully_booked")
        assert problem["message"] == "event is fully booked (seats + waitlist)"

    def test_of_a_cancelled_event(self, browser: Client) -> None:
        event = EventFactory(cancelled_at=now())

        problem = assert_problem(
            book(browser, event, {"user_id": "ann"}), 409, code="event_cancelled"
        )
        assert problem["message"] == "event is cancelled"


class TestReadingABooking:
    def test_that_is_there(self, browser: Client) -> None:
        event = EventFactory(max_seats=1)
        seat, place = booked(event, ["ann", "ben"])

        assert browser.get(f"/api/v1/bookings/{seat.pk}").json().keys() == {
            "id",
            "event_id",
            "user_id",
            "status",
            "created_at",
        }
        assert browser.get(f"/api/v1/bookings/{place.pk}").json()["waitlist_order"] == 1

    def test_that_is_not(self, browser: Client) -> None:
        problem = assert_problem(browser.get("/api/v1/bookings/99999"), 404)
        assert problem["code"] == "booking_not_found"
        assert problem["message"] == "booking not found"

    def test_answers_a_booking_and_its_reading_alike(self, browser: Client) -> None:
        answered = book(browser, EventFactory(), {"user_id": "ann"}).json()

        assert browser.get(f"/api/v1/bookings/{answered['id']}").json() == answered


class TestCancelling:
    def test_a_seat(self, browser: Client) -> None:
        event = EventFactory(max_seats=1)
        seat, place = booked(event, ["ann", "ben"])

        response = browser.delete(f"/api/v1/bookings/{seat.pk}")

        assert response.status_code == 200
        assert response.json()["id"] == seat.pk
        assert response.json()["status"] == "cancelled"
        promoted = browser.get(f"/api/v1/bookings/{place.pk}").json()
        assert promoted["status"] == "confirmed"
        assert "waitlist_order" not in promoted

    def test_a_place_in_line(self, browser: Client) -> None:
        _, place = booked(EventFactory(max_seats=1), ["ann", "ben"])

        answer = browser.delete(f"/api/v1/bookings/{place.pk}").json()

        assert answer["status"] == "cancelled"
        assert "waitlist_order" not in answer

    def test_leaves_it_readable(self, browser: Client) -> None:
        [seat] = booked(EventFactory(), ["ann"])
        answered = browser.delete(f"/api/v1/bookings/{seat.pk}").json()

        assert browser.get(f"/api/v1/bookings/{seat.pk}").json() == answered

    def test_twice_is_refused(self, browser: Client) -> None:
        [seat] = booked(EventFactory(), ["ann"])
        browser.delete(f"/api/v1/bookings/{seat.pk}")

        problem = assert_problem(browser.delete(f"/api/v1/bookings/{seat.pk}"), 400)
        assert problem["code"] == "already_cancelled"
        assert problem["message"] == "booking is already cancelled"

    def test_of_an_unknown_booking_is_refused(self, browser: Client) -> None:
        problem = assert_problem(browser.delete("/api/v1/bookings/99999"), 404)
        assert problem["message"] == "booking not found"

    def test_lets_the_user_book_again(self, browser: Client) -> None:
        event = EventFactory()
        [seat] = booked(event, ["ann"])
        browser.delete(f"/api/v1/bookings/{seat.pk}")

        assert book(browser, event, {"user_id": "ann"}).status_code == 201


class TestListing:
    def test_the_bookings_of_an_event_in_the_order_of_their_ids(self, browser: Client) -> None:
        event = EventFactory(max_seats=2)
        rows = booked(event, ["ann", "ben", "cat"])
        booked(EventFactory(), ["somebody-else"])

        response = browser.get(f"/api/v1/events/{event.pk}/bookings")

        assert response.status_code == 200
        assert [row["id"] for row in response.json()] == [row.pk for row in rows]
        assert [row.get("waitlist_order") for row in response.json()] == [None, None, 1]
        assert "Link" not in response

    def test_an_event_without_bookings(self, browser: Client) -> None:
        assert browser.get(f"/api/v1/events/{EventFactory().pk}/bookings").json() == []

    @pytest.mark.parametrize(
        ("status", "names"),
        [("confirmed", ["ben"]), ("waitlisted", ["cat"]), ("cancelled", ["ann"])],
    )
    def test_by_status(self, browser: Client, status: str, names: list[str]) -> None:
        event = EventFactory(max_seats=1)
        seat, *_ = booked(event, ["ann", "ben", "cat"])
        browser.delete(f"/api/v1/bookings/{seat.pk}")

        answer = browser.get(f"/api/v1/events/{event.pk}/bookings", {"status": status}).json()

        assert [row["user_id"] for row in answer] == names
        assert {row["status"] for row in answer} == {status}

    @pytest.mark.parametrize("status", ["", "pending", "CONFIRMED", "confirmed\x00", "1"])
    def test_by_an_unknown_status(self, browser: Client, status: str) -> None:
        event = EventFactory()

        response = browser.get(f"/api/v1/events/{event.pk}/bookings", {"status": status})

        assert_problem(response, 400, code="invalid_status")

    def test_of_an_unknown_event(self, browser: Client) -> None:
        response = browser.get("/api/v1/events/99999/bookings")

        problem = assert_problem(response, 404, code="event_not_found")
        assert problem["message"] == "event not found"


class TestPages:
    def test_can_be_walked_forwards_and_backwards_by_their_links(self, browser: Client) -> None:
        event = EventFactory(max_seats=7)
        rows = [row.pk for row in booked(event, users(7))]

        first = browser.get(f"/api/v1/events/{event.pk}/bookings?limit=3&status=confirmed")
        second = browser.get(links(first)["next"])
        third = browser.get(links(second)["next"])
        back = browser.get(links(third)["prev"])
        start = browser.get(links(back)["prev"])

        assert [ids(page) for page in (first, second, third)] == [rows[:3], rows[3:6], rows[6:]]
        assert ids(back) == ids(second)
        assert ids(start) == ids(first)
        assert list(links(first)) == list(links(start)) == ["next"]
        assert list(links(second)) == ["next", "prev"]
        assert list(links(third)) == ["prev"]

    def test_keep_the_filter(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=4)
        booked(event, users(5))

        page = browser.get(f"/api/v1/events/{event.pk}/bookings?status=waitlisted&limit=2")

        assert {row["status"] for row in browser.get(links(page)["next"]).json()} == {"waitlisted"}

    def test_neither_repeat_nor_skip_when_bookings_change_meanwhile(self, browser: Client) -> None:
        event = EventFactory(max_seats=9)
        rows = booked(event, users(4))
        first = browser.get(f"/api/v1/events/{event.pk}/bookings?limit=2&status=confirmed")

        browser.delete(f"/api/v1/bookings/{rows[0].pk}")

        assert ids(browser.get(links(first)["next"])) == [rows[2].pk, rows[3].pk]

    def test_hold_a_hundred_by_default(self, browser: Client) -> None:
        event = EventFactory(max_seats=101)
        booked(event, users(101))

        page = browser.get(f"/api/v1/events/{event.pk}/bookings")

        assert len(page.json()) == 100
        assert len(browser.get(links(page)["next"]).json()) == 1

    def test_hold_exactly_what_is_there_without_a_link(self, browser: Client) -> None:
        event = EventFactory()
        booked(event, users(3))

        assert "Link" not in browser.get(f"/api/v1/events/{event.pk}/bookings?limit=3")

    @pytest.mark.parametrize("limit", ["0", "-1", "1001", "abc", "", "1.5", "٣", "1_0", "9" * 30])
    def test_of_an_invalid_limit_are_refused(self, browser: Client, limit: str) -> None:
        path = f"/api/v1/events/{EventFactory().pk}/bookings"

        assert_problem(browser.get(path, {"limit": limit}), 400, code="invalid_limit")

    def test_may_hold_a_thousand(self, browser: Client) -> None:
        path = f"/api/v1/events/{EventFactory().pk}/bookings"

        assert browser.get(path, {"limit": "1000"}).status_code == 200

    @pytest.mark.parametrize(
        "cursor", ["", "x", "!!!", "1", "YWZ0ZXI6", "YWZ0ZXI6LTE", "é", "\x00"]
    )
    def test_of_a_foreign_cursor_are_refused(self, browser: Client, cursor: str) -> None:
        path = f"/api/v1/events/{EventFactory().pk}/bookings"

        assert_problem(browser.get(path, {"cursor": cursor}), 400, code="invalid_cursor")


class TestStatus:
    def test_says_how_full_an_event_is(self, browser: Client) -> None:
        start = now().replace(microsecond=0)
        event = EventFactory(
            max_seats=2,
            waitlist_limit=3,
            booking_start_at=start - timedelta(hours=1),
            booking_end_at=start + timedelta(hours=1),
        )
        booked(event, ["ann", "ben", "cat"])

        response = browser.get(f"/api/v1/events/{event.pk}/status")

        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response.json() == {
            "id": event.pk,
            "name": "Golang Workshop Bangkok",
            "max_seats": 2,
            "waitlist_limit": 3,
            "price": 2500,
            "booking_start_at": f"{event.booking_start_at:%Y-%m-%dT%H:%M:%S}Z",
            "booking_end_at": f"{event.booking_end_at:%Y-%m-%dT%H:%M:%S}Z",
            "confirmed_count": 2,
            "waitlisted_count": 1,
            "seats_available": 0,
            "cancelled_at": None,
        }

    def test_of_a_cancelled_event_has_no_seats_and_says_since_when(self, browser: Client) -> None:
        event = EventFactory(max_seats=2, cancelled_at=datetime(2026, 2, 21, 9, tzinfo=UTC))

        status = browser.get(f"/api/v1/events/{event.pk}/status").json()

        assert status["seats_available"] == 0
        assert status["cancelled_at"] == "2026-02-21T09:00:00Z"

    @pytest.mark.parametrize(("price", "shown"), [("0", b"0"), ("2500", b"2500"), ("9.5", b"9.5")])
    def test_says_the_price_as_a_number(self, browser: Client, price: str, shown: bytes) -> None:
        event = EventFactory(price=price)

        response = browser.get(f"/api/v1/events/{event.pk}/status")

        assert b'"price":' + shown + b"," in response.content

    def test_follows_every_booking_and_cancellation(self, browser: Client) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=0)
        path = f"/api/v1/events/{event.pk}/status"
        assert browser.get(path).json()["seats_available"] == 2

        seat = book(browser, event, {"user_id": "ann"}).json()
        assert browser.get(path).json()["seats_available"] == 1

        browser.delete(f"/api/v1/bookings/{seat['id']}")
        assert browser.get(path).json()["seats_available"] == 2
        assert browser.get(path).json()["confirmed_count"] == 0

    def test_of_an_unknown_event(self, browser: Client) -> None:
        problem = assert_problem(browser.get("/api/v1/events/99999/status"), 404)
        assert problem["message"] == "event not found"
