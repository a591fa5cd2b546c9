"""`GET /api/v1/bookings?user_id=…`: a user's bookings across all events."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from booking_project.bookings.models import Booking
from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.problems import assert_problem
from tests.support.issuer import secret_token
from tests.support.lists import ids, links

pytestmark = pytest.mark.django_db

BOOKINGS = "/api/v1/bookings"


@pytest.fixture
def anns() -> list[Booking]:
    """A cancelled booking, a seat and a place in line, among bookings of others."""
    first, second, third = EventFactory.create_batch(3, max_seats=1)
    [cancelled] = booked(first, ["ann"])
    booked(second, ["ben"])
    [waiting] = booked(second, ["ann"])
    [seat] = booked(third, ["ann"])
    booked(third, ["ben", "annika", "Ann"])
    assert Client().delete(f"{BOOKINGS}/{cancelled.pk}").status_code == 200
    return [cancelled, waiting, seat]


def listed(browser: Client, **query: str) -> list[Any]:
    response = browser.get(BOOKINGS, query)
    assert response.status_code == 200, response.content
    found: list[Any] = response.json()
    return found


class TestTheList:
    def test_has_all_bookings_of_a_user_and_no_others_in_the_order_of_ids(
        self, browser: Client, anns: list[Booking]
    ) -> None:
        found = listed(browser, user_id="ann")

        assert [row["id"] for row in found] == [booking.pk for booking in anns]
        assert [row["status"] for row in found] == ["cancelled", "waitlisted", "confirmed"]
        assert [row["event_id"] for row in found] == [booking.event_id for booking in anns]

    def test_shows_a_booking_as_the_list_of_its_event_does(
        self, browser: Client, anns: list[Booking]
    ) -> None:
        for row in listed(browser, user_id="ann"):
            others = browser.get(f"/api/v1/events/{row['event_id']}/bookings").json()
            assert row in others

    @pytest.mark.parametrize(("status", "place"), [("cancelled", 0), ("waitlisted", 1)])
    def test_may_be_of_one_status(
        self, browser: Client, anns: list[Booking], status: str, place: int
    ) -> None:
        [row] = listed(browser, user_id="ann", status=status)

        assert row["id"] == anns[place].pk

    @pytest.mark.parametrize("user_id", ["nobody", "an", "ann%", "'", "é" * 255])
    def test_is_empty_for_a_user_without_bookings(
        self, browser: Client, anns: list[Booking], user_id: str
    ) -> None:
        assert listed(browser, user_id=user_id) == []

    def test_trims_blanks_as_a_booking_does(self, browser: Client, anns: list[Booking]) -> None:
        assert len(listed(browser, user_id=" ann ")) == 3

    def test_is_paged_and_its_links_keep_the_user_and_the_status(self, browser: Client) -> None:
        rows = [booked(EventFactory(), ["a&b"])[0].pk for _ in range(5)]
        [cancelled] = booked(EventFactory(), ["a&b"])
        browser.delete(f"{BOOKINGS}/{cancelled.pk}")
        booked(EventFactory(), users(3))

        first = browser.get(BOOKINGS, {"user_id": "a&b", "status": "confirmed", "limit": "2"})
        second = browser.get(links(first)["next"])
        third = browser.get(links(second)["next"])

        assert [ids(page) for page in (first, second, third)] == [rows[:2], rows[2:4], rows[4:]]
        assert list(links(third)) == ["prev"]
        assert ids(browser.get(links(third)["prev"])) == rows[2:4]

    def test_costs_one_query(
        self,
        browser: Client,
        anns: list[Booking],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_num_queries(1):
            listed(browser, user_id="ann")

    @on_one_server
    @pytest.mark.parametrize("status", [{}, {"status": "confirmed"}])
    def test_is_read_from_an_index_of_users_in_its_order(
        self, browser: Client, status: dict[str, str]
    ) -> None:
        for event in EventFactory.create_batch(3, max_seats=200):
            booked(event, users(100))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE bookings_booking")
        with CaptureQueriesContext(connection) as queries:
            listed(browser, user_id="user-007", **status)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {queries[0]['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())

        assert ("booking_confirmed_by_user" if status else "booking_by_user") in plan
        assert "Sort" not in plan


class TestRefused:
    @pytest.mark.parametrize("query", [{}, {"user_id": ""}, {"user_id": "  "}, {"user": "ann"}])
    def test_without_a_user_id(self, browser: Client, query: dict[str, str]) -> None:
        problem = assert_problem(browser.get(BOOKINGS, query), 400, code="invalid_input")

        assert problem["message"] == "user_id is required"
        assert problem["errors"] == {"user_id": ["user_id is required"]}

    @pytest.mark.parametrize("user_id", ["nul\x00", "bell\x07", "x" * 256])
    def test_with_a_user_id_that_is_not_allowed(self, browser: Client, user_id: str) -> None:
        problem = assert_problem(browser.get(BOOKINGS, {"user_id": user_id}), 400)

        assert problem["code"] == "invalid_input"
        assert list(problem["errors"]) == ["user_id"]

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("status", "pending"), ("status", ""), ("limit", "0"), ("cursor", "x")],
    )
    def test_with_a_bad_parameter(self, browser: Client, parameter: str, value: str) -> None:
        response = browser.get(BOOKINGS, {"user_id": "ann", parameter: value})

        assert_problem(response, 400, code=f"invalid_{parameter}")

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_for_anything_but_reading(self, browser: Client, method: str) -> None:
        response = getattr(browser, method)(BOOKINGS)

        assert_problem(response, 405, code="method_not_allowed")


class TestWithTokens:
    @pytest.fixture(autouse=True)
    def _tokens(self, ask_for_tokens: AskForTokens) -> None:
        ask_for_tokens()

    def ask(self, browser: Client, query: Mapping[str, str], **claims: Any) -> HttpResponse:
        token = secret_token(**claims)
        return browser.get(BOOKINGS, query, headers={"authorization": f"Bearer {token}"})

    @pytest.fixture(autouse=True)
    def _bookings(self) -> None:
        booked(EventFactory(), ["ann", "ben", "root"])

    @pytest.mark.parametrize("query", [{}, {"user_id": "ann"}])
    def test_a_user_sees_their_own_without_naming_themselves(
        self, browser: Client, query: dict[str, str]
    ) -> None:
        response = self.ask(browser, query, sub="ann")

        assert [row["user_id"] for row in response.json()] == ["ann"]

    @pytest.mark.parametrize("other", ["ben", "Ann", "nobody", "ann\u00ad"])
    def test_a_user_does_not_see_those_of_others(self, browser: Client, other: str) -> None:
        response = self.ask(browser, {"user_id": other}, sub="ann")

        problem = assert_problem(response, 403, code="not_your_user_id")
        assert problem["message"] == "you can see only your own bookings"

    @pytest.mark.parametrize("user_id", ["ann", "ben"])
    def test_an_admin_sees_those_of_anyone(self, browser: Client, user_id: str) -> None:
        response = self.ask(browser, {"user_id": user_id}, sub="root", roles=["admin"])

        assert [row["user_id"] for row in response.json()] == [user_id]

    def test_an_admin_who_names_nobody_sees_their_own(self, browser: Client) -> None:
        response = self.ask(browser, {}, sub="root", roles=["admin"])

        assert [row["user_id"] for row in response.json()] == ["root"]

    def test_a_caller_without_a_token_sees_nothing(self, browser: Client) -> None:
        response = browser.get(BOOKINGS, {"user_id": "ann"})

        assert_problem(response, 401, code="not_authenticated")
