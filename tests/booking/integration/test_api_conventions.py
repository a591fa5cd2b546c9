"""Rules of every path: malformed ids, methods, bodies, media types, HTML pages."""

import json

import pytest
from django.test import Client

from booking_project.bookings.api import views
from booking_project.bookings.models import Booking
from tests.support.booking.factories import EventFactory, booked
from tests.support.booking.problems import assert_problem

pytestmark = pytest.mark.django_db

MALFORMED = [
    "abc",
    "0",
    "-1",
    "1.5",
    "+1",
    "01",
    "1e3",
    "0x1",
    "٣",
    "%20",
    "1%00",
    "%00",
    "%F0%9F%8E",
]
HUGE = ["9223372036854775807", "9223372036854775808", "9" * 100]


class TestIds:
    @pytest.mark.parametrize("number", MALFORMED)
    def test_of_an_event_that_are_malformed(self, browser: Client, number: str) -> None:
        body = {"data": {"user_id": "ann"}, "content_type": "application/json"}
        for response in (
            browser.get(f"/api/v1/events/{number}/status"),
            browser.get(f"/api/v1/events/{number}/bookings"),
            browser.post(f"/api/v1/events/{number}/bookings", **body),
        ):
            problem = assert_problem(response, 400, code="invalid_event_id")
            assert problem["message"] == "invalid event id"

    @pytest.mark.parametrize("number", MALFORMED)
    def test_of_a_booking_that_are_malformed(self, browser: Client, number: str) -> None:
        for response in (
            browser.get(f"/api/v1/bookings/{number}"),
            browser.delete(f"/api/v1/bookings/{number}"),
        ):
            problem = assert_problem(response, 400, code="invalid_booking_id")
            assert problem["message"] == "invalid booking id"

    @pytest.mark.parametrize("number", HUGE)
    def test_that_are_unknown_however_large(self, browser: Client, number: str) -> None:
        body = {"data": {"user_id": "ann"}, "content_type": "application/json"}
        for response in (
            browser.get(f"/api/v1/events/{number}/status"),
            browser.get(f"/api/v1/events/{number}/bookings"),
            browser.post(f"/api/v1/events/{number}/bookings", **body),
            browser.get(f"/api/v1/bookings/{number}"),
            browser.delete(f"/api/v1/bookings/{number}"),
        ):
            assert_problem(response, 404)

    @pytest.mark.django_db(transaction=True, reset_sequences=True)
    def test_of_bookings_are_one_two_three(self, browser: Client) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=0)

        answers = [
            browser.post(
                f"/api/v1/events/{event.pk}/bookings",
                data={"user_id": user},
                content_type="application/json",
            ).json()
            for user in ("ann", "ann", "ben", "cat")
        ]
        browser.delete("/api/v1/bookings/1")
        again = browser.post(
            f"/api/v1/events/{event.pk}/bookings",
            data={"user_id": "cat"},
            content_type="application/json",
        ).json()

        assert [answer.get("id") for answer in answers] == [1, None, 2, None]
        assert again["id"] == 3


class TestBodies:
    @pytest.fixture
    def path(self) -> str:
        return f"/api/v1/events/{EventFactory().pk}/bookings"

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"{'user_id': 'ann'}",
            b'{"user_id": "ann",}',
            b'{"user_id": "ann"} {}',
            b'{"user_id": NaN}',
            b'{"user_id": Infinity}',
            b'{"user_id": "\xff"}',
            b'{"user_id": "ann", "user_id": "ben"}',
            b'{"user_id": "line\nbreak"}',
            b"[" * 30_000,
            b'{"user_id":' * 5_000,
            b'{"user_id": ' + b"1" * 5_000 + b"}",
        ],
        ids=lambda body: repr(body[:30]),
    )
    def test_that_are_not_json(self, browser: Client, path: str, body: bytes) -> None:
        response = browser.post(path, data=body, content_type="application/json")

        assert_problem(response, 400)
        assert Booking.objects.count() == 0

    def test_that_are_deep_but_valid(self, browser: Client, path: str) -> None:
        body = b'{"user_id": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"

        assert_problem(browser.post(path, data=body, content_type="application/json"), 400)

    def test_that_are_too_large(self, browser: Client, path: str) -> None:
        body = json.dumps({"user_id": "ann", "padding": "x" * 70_000})

        response = browser.post(path, data=body, content_type="application/json")

        assert_problem(response, 413, code="body_too_large")
        assert Booking.objects.count() == 0

    @pytest.mark.parametrize(
        "media_type",
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"],
    )
    def test_that_are_of_another_content_type(
        self, browser: Client, path: str, media_type: str
    ) -> None:
        response = browser.post(path, data=b"user_id=ann", content_type=media_type)

        assert_problem(response, 415)
        assert Booking.objects.count() == 0

    def test_that_are_not_there(self, browser: Client, path: str) -> None:
        response = browser.post(path, data=b"", content_type="application/json")

        assert assert_problem(response, 400)["message"] == "user_id is required"

    def test_that_name_their_charset(self, browser: Client, path: str) -> None:
        response = browser.post(
            path, data=b'{"user_id": "ann"}', content_type="application/json; charset=utf-8"
        )

        assert response.status_code == 201


class TestMethodsAndPaths:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("post", "/api/v1/events/{id}/status"),
            ("put", "/api/v1/events/{id}/bookings"),
            ("delete", "/api/v1/events/{id}/bookings"),
            ("post", "/api/v1/bookings/{id}"),
            ("patch", "/api/v1/bookings/{id}"),
        ],
    )
    def test_that_do_not_go_together(self, browser: Client, method: str, path: str) -> None:
        response = getattr(browser, method)(path.format(id=EventFactory().pk))

        assert_problem(response, 405, code="method_not_allowed")
        assert "GET" in response["Allow"]

    @pytest.mark.parametrize(
        "path", ["/api", "/api/v1/", "/api/v1/events/1/status/", "/api/v2/events", "/%00"]
    )
    def test_that_lead_nowhere(self, browser: Client, path: str) -> None:
        assert_problem(browser.get(path), 404, code="not_found")

    def test_of_health(self, browser: Client) -> None:
        response = browser.get("/health")

        assert response.status_code == 200
        assert response.json() == {"status": "ok", "service": "booking-service"}
        assert response["Content-Type"] == "application/json"

    def test_of_health_are_not_written_to(self, browser: Client) -> None:
        assert_problem(browser.post("/health"), 405)


def test_a_host_that_is_not_ours_is_a_problem(browser: Client) -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann", "ben"])

    response = browser.get(
        f"/api/v1/events/{event.pk}/bookings?limit=1", headers={"host": "evil.example"}
    )

    assert_problem(response, 400)


def test_a_failure_reveals_no_internals(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("secret-table on 10.0.0.7")

    monkeypatch.setattr(views, "booking_create", fail)

    response = browser.post(
        f"/api/v1/events/{EventFactory().pk}/bookings",
        data={"user_id": "ann"},
        content_type="application/json",
    )

    assert_problem(response, 500, code="internal_error")
    assert b"secret" not in response.content
    assert b"RuntimeError" not in response.content


class TestPagesForPeople:
    BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

    def test_show_an_events_bookings_and_where_to_book(self, browser: Client) -> None:
        event = EventFactory()
        booked(event, ["ann"])

        page = browser.get(f"/api/v1/events/{event.pk}/bookings", headers=self.BROWSER)

        assert page.status_code == 200
        assert page["Content-Type"].startswith("text/html")
        assert b"ann" in page.content
        assert b"<textarea" in page.content

    def test_show_a_booking_and_a_status(self, browser: Client) -> None:
        event = EventFactory()
        [seat] = booked(event, ["ann"])

        for path in (f"/api/v1/bookings/{seat.pk}", f"/api/v1/events/{event.pk}/status"):
            page = browser.get(path, headers=self.BROWSER)
            assert page.status_code == 200
            assert page["Content-Type"].startswith("text/html")

    def test_show_user_input_as_text(self, browser: Client) -> None:
        event = EventFactory()
        booked(event, ["<script>alert(1)</script>"])

        page = browser.get(f"/api/v1/events/{event.pk}/bookings", headers=self.BROWSER)

        assert b"<script>alert(1)" not in page.content

    def test_show_a_refusal_as_a_page(self, browser: Client) -> None:
        page = browser.get("/api/v1/bookings/99999", headers=self.BROWSER)

        assert page.status_code == 404
        assert b"booking not found" in page.content
        is_html = b"<html" in page.content
        assert page["Content-Type"].startswith("text/html") == is_html

    def test_are_not_sent_to_clients_that_ask_for_json(self, browser: Client) -> None:
        response = browser.get(
            f"/api/v1/events/{EventFactory().pk}/status", headers={"accept": "application/json"}
        )

        assert response["Content-Type"] == "application/json"

    def test_are_refused_in_an_unknown_format(self, browser: Client) -> None:
        response = browser.get(
            f"/api/v1/events/{EventFactory().pk}/status", headers={"accept": "application/xml"}
        )

        assert_problem(response, 406)
