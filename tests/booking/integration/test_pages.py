"""The booking service's HTML pages. Their script doesn't run here; these tests check its input."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.models import Booking
from tests.support.authorization import AskForTokens, staff
from tests.support.booking.factories import EventFactory, booked
from tests.support.pages import Page, page

pytestmark = pytest.mark.django_db

BOOKINGS = "/api/v1/bookings"


@pytest.fixture(autouse=True)
def _event_service(settings: Any) -> None:
    settings.EVENT_PUBLIC_URL = "https://event.example"


@pytest.fixture
def rows() -> list[Booking]:
    """A seat and a place in line."""
    return booked(EventFactory(max_seats=1), ["ann", "b&n <i>"])


def event_path(booking: Booking) -> str:
    return f"/api/v1/events/{booking.event_id}"


class TestLinks:
    def test_lead_from_status_to_bookings_to_a_booking_and_back(
        self, browser: Client, rows: list[Booking]
    ) -> None:
        status = f"{event_path(rows[0])}/status"

        bookings = page(browser, status).links["Its bookings"]
        booking = page(browser, bookings).links[f"#{rows[0].pk} ann: confirmed"]
        links = page(browser, booking).links

        assert booking == f"{BOOKINGS}/{rows[0].pk}"
        assert links["The event's bookings"] == bookings
        assert links["How full the event is"] == status
        assert page(browser, bookings).links["How full it is"] == status

    def test_lead_to_all_bookings_of_a_user(self, browser: Client, rows: list[Booking]) -> None:
        links = page(browser, f"{BOOKINGS}/{rows[1].pk}").links

        found = page(browser, links["The user's bookings"])

        assert [row["id"] for row in found.answer] == [rows[1].pk]
        assert f"#{rows[1].pk} event {rows[1].event_id}: waitlisted" in found.links

    @pytest.mark.parametrize("path", ["{event}/status", "{event}/bookings", "{booking}"])
    def test_lead_to_the_event_if_the_url_of_its_service_is_known(
        self, browser: Client, settings: Any, rows: list[Booking], path: str
    ) -> None:
        path = path.format(event=event_path(rows[0]), booking=f"{BOOKINGS}/{rows[0].pk}")
        links = page(browser, path).links
        assert links["The event"] == f"https://event.example{event_path(rows[0])}"

        settings.EVENT_PUBLIC_URL = ""

        assert "The event" not in page(browser, path).links

    def test_are_in_no_json(self, browser: Client, rows: list[Booking]) -> None:
        for path in (f"{BOOKINGS}/{rows[1].pk}", f"{event_path(rows[0])}/bookings"):
            answer = browser.get(path)
            assert page(browser, path).answer == answer.json()
            assert b"http" not in answer.content


class TestForms:
    def test_book_with_their_json_as_it_is(self, browser: Client, rows: list[Booking]) -> None:
        path = f"{event_path(rows[0])}/bookings"
        found = page(browser, path)

        response = browser.post(
            found.forms["POST"], data=found.bodies["POST"], content_type="application/json"
        )

        assert found.forms["POST"] == path
        assert response.status_code == 201

    def test_cancel(self, browser: Client, rows: list[Booking]) -> None:
        path = f"{BOOKINGS}/{rows[0].pk}"

        assert page(browser, path).forms == {"DELETE": path}
        response = browser.delete(
            path, content_type="application/json", headers={"accept": "text/html"}
        )

        assert response.status_code == 200
        assert Page(response.content.decode()).answer["status"] == "cancelled"

    def test_are_for_staff_if_tokens_are_required(
        self, client: Client, ask_for_tokens: AskForTokens, rows: list[Booking]
    ) -> None:
        ask_for_tokens()
        path = f"{event_path(rows[0])}/bookings"
        stranger = page(client, path, status=401)
        assert stranger.forms == {}
        assert "Log in" in stranger.links

        client.force_login(staff("bookings.view_booking", "bookings.add_booking"))

        assert page(client, path).forms == {"POST": path}


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "status", "sentence"),
        [
            (BOOKINGS, 400, "user_id is required"),
            (f"{BOOKINGS}?user_id=a&status=b", 400, "status must be one of"),
            (f"{BOOKINGS}/99999", 404, "booking not found"),
            ("/api/v1/events/99999/status", 404, "event not found"),
            ("/api/v1/events/99999/bookings", 404, "event not found"),
            ("/api/v1/events/abc/bookings", 400, "invalid event id"),
        ],
    )
    def test_are_pages_that_say_why(
        self, browser: Client, path: str, status: int, sentence: str
    ) -> None:
        found = page(browser, path, status=status)

        assert sentence in found.alert
        assert found.answer["code"] in found.alert
        assert found.links.keys().isdisjoint({"How full it is", "Its bookings", "Confirmed"})


class TestPrograms:
    def test_have_no_additional_cost(self, browser: Client, rows: list[Booking]) -> None:
        for path in (
            f"{event_path(rows[0])}/status",
            f"{BOOKINGS}/{rows[0].pk}",
            f"{BOOKINGS}?user_id=ann",
        ):
            with CaptureQueriesContext(connection) as queries:
                response = browser.get(path)
            assert response["Content-Type"] == "application/json"
            assert not response.cookies
            assert len(queries) == 1

    @pytest.mark.parametrize(
        "path", ["{event}/status", "{event}/bookings", f"{BOOKINGS}?user_id=ann", "{booking}"]
    )
    def test_get_head_as_get_without_a_body(
        self, browser: Client, rows: list[Booking], path: str
    ) -> None:
        path = path.format(event=event_path(rows[0]), booking=f"{BOOKINGS}/{rows[0].pk}")

        head, get = browser.head(path), browser.get(path)

        assert head.status_code == get.status_code == 200
        assert head.content == b""
        assert head["Content-Type"] == get["Content-Type"]

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("{event}/status", {"GET", "HEAD", "OPTIONS"}),
            ("{event}/bookings", {"GET", "POST", "HEAD", "OPTIONS"}),
            (BOOKINGS, {"GET", "HEAD", "OPTIONS"}),
            ("{booking}", {"GET", "DELETE", "HEAD", "OPTIONS"}),
        ],
    )
    def test_learn_from_options_what_is_allowed(
        self, browser: Client, rows: list[Booking], path: str, allowed: set[str]
    ) -> None:
        path = path.format(event=event_path(rows[0]), booking=f"{BOOKINGS}/{rows[0].pk}")

        response = browser.options(path)

        assert response.status_code == 200
        assert set(response["Allow"].split(", ")) == allowed
        assert response["Content-Type"] == "application/json"


def test_a_request_of_the_browser_itself_is_answered_with_a_page(
    browser: Client, rows: list[Booking]
) -> None:
    response = browser.post(
        f"{event_path(rows[0])}/bookings",
        data={"user_id": "cat"},
        content_type="application/json",
        headers={"accept": "text/html"},
    )

    assert response.status_code == 201
    found = Page(response.content.decode())
    assert found.answer["user_id"] == "cat"
    assert "How full it is" in found.links
    assert found.links[f"#{found.answer['id']} cat: {found.answer['status']}"]
