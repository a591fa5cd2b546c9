"""Users book only for themselves and see and cancel only their own; admins do so for all."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer
from rest_framework.views import APIView

from booking_project.bookings.domain.turns import Ticket
from booking_project.bookings.models import Booking, BookingStatus
from booking_project.bookings.tickets import token_of
from shared.auth.authentication import Open
from tests.support.authorization import AskForTokens, Decision, shown_as_public, staff, undecided
from tests.support.booking.factories import EventFactory, booked
from tests.support.booking.problems import assert_problem
from tests.support.issuer import Issuer, running_issuer, secret_settings, secret_token, token

pytestmark = pytest.mark.django_db

# Staff with a session, and the permissions that they have.
STAFF = {
    "staff": [],
    "staff who view": ["bookings.view_booking"],
    "staff who add": ["bookings.add_booking"],
    "staff who change": ["bookings.change_booking"],
    "staff who delete": ["bookings.delete_booking"],
    "staff for events": ["bookings.view_event", "bookings.change_event", "bookings.add_event"],
}
NO_STAFF = dict.fromkeys(STAFF, 403)
EVERYBODY = {
    **dict.fromkeys(["nobody", "owner", "other", "admin"], 200),
    **dict.fromkeys(STAFF, 200),
}
LISTED = {**EVERYBODY, "nobody": 401, **NO_STAFF, "staff who view": 200}
OWNERS = {"nobody": 401, "owner": 200, "other": 404, "admin": 200, **NO_STAFF}
FOR_THEMSELVES = {
    "nobody": 401,
    "owner": 201,
    "other": 403,
    "admin": 201,
    **NO_STAFF,
    "staff who add": 201,
}
DECISIONS = {
    "GET /health": Decision(statuses=EVERYBODY),
    "GET /health/ready": Decision(statuses=EVERYBODY),
    "GET /api/v1/events": Decision(statuses=EVERYBODY),
    "GET /api/v1/events/{event_id}/status": Decision(statuses=EVERYBODY),
    # Which bookings are in the list is told by the tests below.
    "GET /api/v1/events/{event_id}/bookings": Decision(statuses=LISTED),
    "POST /api/v1/events/{event_id}/bookings": Decision(
        statuses=FOR_THEMSELVES,
        body={"user_id": "ann"},
    ),
    # Whoever has a token of the room may see its place.
    "GET /api/v1/events/{event_id}/waiting-room": Decision(statuses=LISTED),
    "POST /api/v1/events/{event_id}/waiting-room": Decision(
        statuses=FOR_THEMSELVES,
        body={"user_id": "ann"},
    ),
    "GET /api/v1/bookings": Decision(statuses={**LISTED, "other": 403}, query="user_id=ann"),
    "GET /api/v1/bookings/{booking_id}": Decision(statuses={**OWNERS, "staff who view": 200}),
    "DELETE /api/v1/bookings/{booking_id}": Decision(statuses={**OWNERS, "staff who delete": 200}),
}
CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "owner": {"sub": "ann"},
    "other": {"sub": "ben"},
    "admin": {"sub": "root", "roles": ["admin"]},
}

Sign = Callable[..., str]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(params=["jwks", "secret"])
def sign(request: pytest.FixtureRequest, ask_for_tokens: AskForTokens, issuer: Issuer) -> Sign:
    """Makes the service require tokens, and signs them."""
    ask_for_tokens(issuer.settings() if request.param == "jwks" else secret_settings())
    return token if request.param == "jwks" else secret_token


@pytest.fixture
def ann(ask_for_tokens: AskForTokens) -> Mapping[str, str]:
    """The headers of a user with a token."""
    ask_for_tokens()
    return bearer(secret_token(**CLAIMS["owner"]))


@pytest.fixture
def admin(ask_for_tokens: AskForTokens) -> Mapping[str, str]:
    ask_for_tokens()
    return bearer(secret_token(**CLAIMS["admin"]))


def bearer(text: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {text}"}


def call(browser: Client, operation: str, headers: Mapping[str, str]) -> HttpResponse:
    """For an event without bookings, or for a booking of `ann`."""
    method, path = operation.split()
    [booking] = booked(EventFactory(), ["ann"])
    event = EventFactory(waiting_room_rate=1 if path.endswith("/waiting-room") else None)
    path = path.format(event_id=event.pk, booking_id=booking.pk)
    headers = {**headers, "Waiting-Room-Token": token_of(Ticket(event.pk, "ann", 1))}
    body, query = DECISIONS[operation].body, DECISIONS[operation].query
    data = b"" if body is None else json.dumps(body).encode()
    return browser.generic(
        method, f"{path}?{query}", data, content_type="application/json", headers=headers
    )


def book(browser: Client, event_id: int, body: Any, headers: Mapping[str, str]) -> HttpResponse:
    return browser.post(
        f"/api/v1/events/{event_id}/bookings",
        data=json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


class TestTheTable:
    def test_decides_about_every_operation_of_the_schema(self) -> None:
        assert undecided(DECISIONS) == set()

    def test_is_incomplete_without_a_decision(self) -> None:
        rest = DECISIONS.keys() - {"DELETE /api/v1/bookings/{booking_id}"}
        assert undecided(rest) == {"DELETE /api/v1/bookings/{booking_id}"}

    def test_agrees_with_the_schema_on_what_is_public(self) -> None:
        public = {name for name, decision in DECISIONS.items() if decision.is_public}
        assert shown_as_public() == public

    @pytest.mark.parametrize("caller", EVERYBODY)
    @pytest.mark.parametrize("operation", DECISIONS)
    def test_holds(self, browser: Client, sign: Sign, operation: str, caller: str) -> None:
        headers = bearer(sign(**CLAIMS[caller])) if caller in CLAIMS else {}
        if caller in STAFF:
            browser.force_login(staff(*STAFF[caller]))

        response = call(browser, operation, headers)

        expected = DECISIONS[operation].statuses[caller]
        assert response.status_code == expected, response.content
        if expected == 401:
            assert_problem(response, 401, code="not_authenticated")
            assert response["WWW-Authenticate"] == 'Bearer realm="api"'

    @pytest.mark.parametrize("operation", DECISIONS)
    def test_does_not_apply_if_the_service_is_open(self, browser: Client, operation: str) -> None:
        assert APIView.authentication_classes == [Open]
        response = call(browser, operation, bearer("nonsense"))
        assert response.status_code in (200, 201)


class TestBooking:
    @pytest.mark.parametrize("body", [{}, {"user_id": "ann"}])
    def test_is_for_oneself(
        self, browser: Client, ann: Mapping[str, str], body: dict[str, str]
    ) -> None:
        response = book(browser, EventFactory().pk, body, ann)

        assert response.status_code == 201
        assert response.json()["user_id"] == "ann"

    def test_needs_no_body_then(self, browser: Client, ann: Mapping[str, str]) -> None:
        path = f"/api/v1/events/{EventFactory().pk}/bookings"

        assert browser.post(path, headers=ann, content_type="application/json").status_code == 201

    @pytest.mark.parametrize("other", ["ben", "Ann", "ann\u200b", "\u0430nn"])
    def test_is_for_nobody_else(self, browser: Client, ann: Mapping[str, str], other: str) -> None:
        response = book(browser, EventFactory().pk, {"user_id": other}, ann)

        assert_problem(response, 403, code="not_your_user_id")
        assert not Booking.objects.exists()

    @pytest.mark.parametrize("user_id", [None, "", " ", 5, ["ann"]])
    def test_with_an_invalid_user_id_is_refused_as_before(
        self, browser: Client, ann: Mapping[str, str], user_id: Any
    ) -> None:
        response = book(browser, EventFactory().pk, {"user_id": user_id}, ann)

        assert_problem(response, 400, code="invalid_input")

    @pytest.mark.parametrize(("body", "user"), [({}, "root"), ({"user_id": "ben"}, "ben")])
    def test_by_an_admin_is_for_anyone(
        self, browser: Client, admin: Mapping[str, str], body: dict[str, str], user: str
    ) -> None:
        response = book(browser, EventFactory().pk, body, admin)

        assert response.status_code == 201
        assert response.json()["user_id"] == user

    def test_by_two_tokens_of_one_subject_is_by_one_user(
        self, browser: Client, ann: Mapping[str, str]
    ) -> None:
        event = EventFactory()
        book(browser, event.pk, {}, ann)

        again = book(browser, event.pk, {}, bearer(secret_token(sub="ann", jti="another")))

        assert_problem(again, 409, code="already_booked")


class TestSomebodyElsesBooking:
    @pytest.mark.parametrize("method", ["get", "delete"])
    @pytest.mark.parametrize("cancelled", [False, True])
    def test_looks_like_a_missing_one(
        self, browser: Client, ann: Mapping[str, str], method: str, cancelled: bool
    ) -> None:
        [booking] = booked(EventFactory(), ["ben"])
        if cancelled:
            Booking.objects.update(status=BookingStatus.CANCELLED)
        before = Booking.objects.values().get()

        headers = {**ann, "x-request-id": "mine"}
        there = getattr(browser, method)(f"/api/v1/bookings/{booking.pk}", headers=headers)
        nowhere = getattr(browser, method)("/api/v1/bookings/99999", headers=headers)

        assert_problem(there, 404, code="booking_not_found")
        assert there.content == nowhere.content
        assert there.headers.items() == nowhere.headers.items()
        assert Booking.objects.values().get() == before

    def test_is_in_no_list_of_mine(self, browser: Client, ann: Mapping[str, str]) -> None:
        event = EventFactory(max_seats=2)
        booked(event, ["ben", "ann", "cat"])
        path = f"/api/v1/events/{event.pk}/bookings"

        assert [row["user_id"] for row in browser.get(path, headers=ann).json()] == ["ann"]
        page = browser.get(f"{path}?status=waitlisted", headers=ann)
        assert page.json() == []
        assert "Link" not in browser.get(f"{path}?limit=1", headers=ann)

    def test_is_in_the_list_of_an_admin(self, browser: Client, admin: Mapping[str, str]) -> None:
        event = EventFactory()
        booked(event, ["ben", "ann"])

        rows = browser.get(f"/api/v1/events/{event.pk}/bookings", headers=admin).json()

        assert [row["user_id"] for row in rows] == ["ben", "ann"]


HOSTILE = [
    "Bearer",
    "Bearer ",
    "bearer\t",
    "Bearer x",
    "Bearer a b",
    "Bearer a.b.c",
    "Bearer a.b.c,Bearer a.b.c",
    "Bearer ü.ü.ü",
    "Bearer \x00",
    "BearerX",
    "Bearer " + "x" * 100_000,
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
]


class TestABadToken:
    @pytest.mark.parametrize("header", HOSTILE, ids=lambda header: repr(header)[:30])
    def test_is_refused_with_a_challenge(self, browser: Client, sign: Sign, header: str) -> None:
        for path in ("/api/v1/bookings/1", f"/api/v1/events/{EventFactory().pk}/status"):
            response = browser.get(path, headers={"authorization": header})

            assert_problem(response, 401, code="invalid_token")
            assert response["WWW-Authenticate"].startswith(
                'Bearer realm="api", error="invalid_token"'
            )

    @pytest.mark.parametrize("header", ["", "Basic YW5uOmFubg==", "Token abc", "x"])
    def test_of_another_scheme_is_ignored(self, browser: Client, sign: Sign, header: str) -> None:
        response = browser.get("/api/v1/bookings/1", headers={"authorization": header})

        assert_problem(response, 401, code="not_authenticated")

    def test_that_has_expired_has_its_own_code(self, browser: Client, sign: Sign) -> None:
        response = browser.get("/api/v1/bookings/1", headers=bearer(sign(exp=1)))

        assert_problem(response, 401, code="token_expired")

    def test_of_the_other_way_of_signing_is_refused(self, browser: Client, sign: Sign) -> None:
        other = secret_token if sign is token else token

        response = browser.get("/api/v1/bookings/1", headers=bearer(other()))

        assert_problem(response, 401, code="invalid_token")

    @pytest.mark.django_db(transaction=True)
    def test_that_comes_twice_is_refused(
        self, live_server: LiveServer, ann: Mapping[str, str]
    ) -> None:
        good = ann["authorization"]
        for headers in ([good, good], [good, "Bearer x"], [good.encode() + b"\xff"]):
            connection = http.client.HTTPConnection(
                live_server.thread.host, live_server.thread.port
            )
            connection.putrequest("GET", "/api/v1/bookings/1")
            for header in headers:
                connection.putheader("Authorization", header)
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status == 401
            assert json.loads(answer.read())["code"] == "invalid_token"
            connection.close()

    def test_is_503_like_a_good_one_while_the_keys_are_unavailable(
        self, browser: Client, ask_for_tokens: AskForTokens
    ) -> None:
        with running_issuer() as away:
            away.proxy.cut()
            ask_for_tokens(away.settings())
            response = browser.get("/api/v1/bookings/1", headers=bearer(token()))

        assert_problem(response, 503, code="keys_unavailable")
        assert 1 <= int(response["Retry-After"]) <= 5


class TestSessions:
    PAGE = {"accept": "text/html"}

    def test_of_staff_see_all(self, client: Client, sign: Sign) -> None:
        event = EventFactory()
        booked(event, ["ann", "ben"])
        client.force_login(staff("bookings.view_booking"))

        page = client.get(f"/api/v1/events/{event.pk}/bookings", headers=self.PAGE)

        assert page.status_code == 200
        assert b"ann" in page.content
        assert b"ben" in page.content

    def test_of_staff_write_with_a_csrf_token_and_not_without(self, sign: Sign) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(staff("bookings.view_booking", "bookings.add_booking"))
        event = EventFactory()
        browser.get(f"/api/v1/events/{event.pk}/bookings", headers=self.PAGE)
        secret = {"x-csrftoken": browser.cookies["booking_csrf"].value}

        assert_problem(book(browser, event.pk, {"user_id": "ann"}, {}), 403)
        assert book(browser, event.pk, {"user_id": "ann"}, secret).status_code == 201

    def test_of_staff_have_no_user_id_of_their_own(self, client: Client, sign: Sign) -> None:
        client.force_login(staff("bookings.add_booking"))

        assert_problem(book(client, EventFactory().pk, {}, {}), 400, code="invalid_input")

    def test_of_others_are_ignored(self, client: Client, sign: Sign) -> None:
        [booking] = booked(EventFactory(), ["eve"])
        client.force_login(User.objects.create_user("eve"))

        assert_problem(client.get(f"/api/v1/bookings/{booking.pk}"), 403)

    def test_are_ignored_beside_a_token(self, client: Client, ann: Mapping[str, str]) -> None:
        [booking] = booked(EventFactory(), ["ben"])
        client.force_login(User.objects.create_user("eve", is_staff=True))

        assert_problem(client.get(f"/api/v1/bookings/{booking.pk}", headers=ann), 404)

    def test_that_are_missing_are_a_page_that_says_so(self, client: Client, sign: Sign) -> None:
        page = client.get("/api/v1/bookings/1", headers=self.PAGE)

        assert page.status_code == 401
        assert page["Content-Type"].startswith("text/html")

    def test_a_page_can_be_requested_with_a_token(
        self, client: Client, ann: Mapping[str, str]
    ) -> None:
        [booking] = booked(EventFactory(), ["ann"])

        page = client.get(f"/api/v1/bookings/{booking.pk}", headers={**self.PAGE, **ann})

        assert page.status_code == 200


class TestWhatItCosts:
    def test_no_statement_if_the_service_is_open(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        [booking] = booked(EventFactory(), ["ann"])
        with django_assert_num_queries(1):
            browser.get(f"/api/v1/bookings/{booking.pk}")

    def test_no_statement_with_a_token(
        self,
        browser: Client,
        ann: Mapping[str, str],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        [booking] = booked(EventFactory(), ["ann"])
        with django_assert_num_queries(1):
            browser.get(f"/api/v1/bookings/{booking.pk}", headers=ann)
