"""With AUTH_MODE=jwt, guests sign in at the issuer, a real one, which can also lie and be away."""

import time
from collections.abc import Iterator
from http.cookies import Morsel
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client

from booking_project.bookings.models import Booking
from booking_project.contacts.selectors import contacts_of
from booking_project.guests import identity
from booking_project.guests.login import attempts
from booking_project.guests.login import issuer as issuer_module
from booking_project.guests.login.settings import OidcSettings
from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, booked
from tests.support.issuer import secret_settings
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.support.waiting import BRIEF_SECONDS

pytestmark = pytest.mark.django_db

CALLBACK = "http://testserver/sign-in/callback"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running_provider() as provider:
        provider.redirect_uris = {CALLBACK}
        settings.JWT = secret_settings(issuer=provider.url)
        settings.OIDC = OidcSettings(
            issuer=provider.url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=CALLBACK,
            algorithms=("RS256",),
        )
        yield provider


def leave(client: Client, *, next: str = "/bookings") -> str:
    """Where `/sign-in` sends the browser."""
    response = client.get("/sign-in", {"next": next})
    assert response.status_code == 302, response.content
    return response["Location"]


def come_back(client: Client, address: str) -> Any:
    return client.get(address.removeprefix("http://testserver"))


def sign_in(client: Client, provider: Provider, subject: str = "ann", **options: str) -> Any:
    return come_back(client, provider.approve(leave(client, **options), subject))


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def guest_cookie(response: HttpResponse) -> Morsel[str] | None:
    return response.cookies.get(identity.COOKIE)


def assert_nobody_came_in(response: HttpResponse, status: int = 400) -> None:
    assert response.status_code == status, response.content
    assert guest_cookie(response) is None
    assert response["Content-Type"].startswith("text/html")
    assert response["Cache-Control"] == "no-store"


class TestSigningIn:
    def test_leads_back_to_where_the_guest_wanted_to_go(
        self, client: Client, provider: Provider
    ) -> None:
        response = sign_in(client, provider, next="/bookings?a=b")

        assert (response.status_code, response["Location"]) == (302, "/bookings?a=b")
        page = client.get("/bookings")
        assert page.status_code == 200
        assert page.context["guest"].user_id == "ann"
        assert page.context["guest"].name == "Ann"
        assert page.context["guest"].email == "ann@example.com"

    def test_shows_each_guest_only_their_own_bookings(self, provider: Provider) -> None:
        ann_and_ben = booked(EventFactory(max_seats=2, name="Django Day"), ["ann", "ben"])
        browsers = {name: Client() for name in ("ann", "ben")}
        for name, browser in browsers.items():
            sign_in(browser, provider, name)

        for booking in ann_and_ben:
            statuses = {
                name: browser.get(f"/bookings/{booking.pk}").status_code
                for name, browser in browsers.items()
            }
            assert statuses == {name: 200 if name == booking.user_id else 404 for name in browsers}

    def test_ends_with_signing_out(self, client: Client, provider: Provider) -> None:
        sign_in(client, provider)

        client.post("/sign-out")

        assert client.cookies[identity.COOKIE].value == ""
        assert client.get("/bookings").status_code == 302

    def test_asks_the_issuer_as_the_standards_say(self, client: Client, provider: Provider) -> None:
        address = leave(client)

        asked = query_of(address)
        secrets = [asked.pop(name) for name in ("state", "nonce", "code_challenge")]
        assert address.startswith(f"{provider.url}/authorize?")
        assert asked == {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "ui_locales": "en",
        }
        assert len(set(secrets)) == 3
        assert all(len(secret) >= 43 for secret in secrets)
        other = query_of(leave(Client()))
        assert secrets != [other[name] for name in ("state", "nonce", "code_challenge")]

    def test_keeps_its_secrets_in_a_cookie_that_scripts_and_other_sites_do_not_get(
        self, client: Client, provider: Provider, settings: Any
    ) -> None:
        settings.SESSION_COOKIE_SECURE = True
        address = leave(client)
        begun = client.cookies[attempts.COOKIE]

        response = come_back(client, provider.approve(address, "ann"))

        for morsel in (begun, response.cookies[identity.COOKIE]):
            assert (morsel["httponly"], morsel["samesite"], morsel["secure"]) == (True, "Lax", True)
        assert begun["path"] == "/sign-in"
        assert response.cookies[attempts.COOKIE]["max-age"] == 0

    @pytest.mark.parametrize(
        "goal",
        [
            "https://evil.example",
            "//evil.example/x",
            "/\\evil.example",
            "///evil.example",
            "javascript:alert(1)",
            "evil.example",
            "",
        ],
    )
    def test_leads_to_no_other_site(self, client: Client, provider: Provider, goal: str) -> None:
        response = sign_in(client, provider, next=goal)

        assert response["Location"] == "/bookings"

    def test_takes_a_name_that_fits_on_a_line(self, client: Client, provider: Provider) -> None:
        provider.claims = {"name": " สมชาย\r\n\x00 ใจดี " + "x" * 200, "email_verified": False}

        sign_in(client, provider)

        guest = client.get("/bookings").context["guest"]
        assert guest.name.startswith("สมชาย ใจดี xxx")
        assert len(guest.name) == 100
        assert guest.email == ""

    def test_does_without_a_name(self, client: Client, provider: Provider) -> None:
        provider.claims = {"name": None, "email": 5}

        sign_in(client, provider)

        assert client.get("/bookings").context["guest"].name == "ann"


class TestRefused:
    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://evil.example"},
            {"iss": None},
            {"aud": "another client"},
            {"aud": None},
            {"aud": [CLIENT_ID, "another client"]},
            {"azp": "another client"},
            {"exp": 1},
            {"exp": None},
            {"iat": None},
            {"iat": 4102444800},
            {"nonce": "another"},
            {"nonce": None},
            {"sub": None},
            {"sub": ""},
            {"sub": 5},
            {"sub": "x" * 256},
            {"sub": "ann\x00"},
            {"sub": "ann\n"},
            {"sub": " ann"},
        ],
        ids=str,
    )
    def test_if_the_identity_is_not_for_us(
        self, client: Client, provider: Provider, claims: dict[str, Any]
    ) -> None:
        provider.claims = claims

        assert_nobody_came_in(sign_in(client, provider))

    def test_a_subject_of_255_characters_comes_in(self, client: Client, provider: Provider) -> None:
        assert guest_cookie(sign_in(client, provider, "x" * 255)) is not None

    @pytest.mark.parametrize(
        ("key", "algorithm"), [("second", "RS256"), ("first", "none"), ("first", "HS256")]
    )
    def test_if_the_issuer_did_not_sign_it(
        self, client: Client, provider: Provider, key: str, algorithm: str
    ) -> None:
        provider.signs_with, provider.algorithm = key, algorithm

        assert_nobody_came_in(sign_in(client, provider))

    def test_if_another_browser_began_it(self, client: Client, provider: Provider) -> None:
        """So nobody can be made to sign in as somebody else."""
        address = provider.approve(leave(client), "mallory")
        victim = Client()

        assert_nobody_came_in(come_back(victim, address))
        leave(victim)
        assert_nobody_came_in(come_back(victim, address))
        assert "/token" not in provider.asked_for

    def test_if_the_code_is_that_of_another_log_in(
        self, client: Client, provider: Provider
    ) -> None:
        stolen = query_of(provider.approve(leave(Client()), "ann"))["code"]
        state = query_of(leave(client))["state"]

        response = client.get("/sign-in/callback", {"code": stolen, "state": state})

        assert_nobody_came_in(response)

    def test_if_it_comes_again(self, client: Client, provider: Provider) -> None:
        address = provider.approve(leave(client), "ann")
        begun = client.cookies[attempts.COOKIE].value
        assert guest_cookie(come_back(client, address)) is not None
        assert_nobody_came_in(come_back(client, address))

        client.cookies[attempts.COOKIE] = begun

        assert_nobody_came_in(come_back(client, address))

    def test_if_it_took_too_long(
        self, client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = provider.approve(leave(client), "ann")
        monkeypatch.setattr(attempts, "SECONDS", 0)

        assert_nobody_came_in(come_back(client, address))

    def test_if_another_issuer_answers(self, client: Client, provider: Provider) -> None:
        asked = query_of(provider.approve(leave(client), "ann"))

        response = client.get(
            f"/sign-in/callback?{urlencode({**asked, 'iss': 'https://evil.example'})}"
        )

        assert_nobody_came_in(response)
        assert "/token" not in provider.asked_for

    def test_if_the_guest_thinks_better_of_it(self, client: Client, provider: Provider) -> None:
        state = query_of(leave(client))["state"]

        response = client.get("/sign-in/callback", {"error": "access_denied", "state": state})

        assert_nobody_came_in(response)
        assert b"You are not signed in" in response.content
        assert b"/sign-in?next=%2Fbookings" in response.content

    def test_without_a_client_at_the_issuer(
        self, client: Client, provider: Provider, settings: Any
    ) -> None:
        settings.OIDC = None

        for path in ("/sign-in", "/sign-in/callback"):
            response = client.get(path)
            assert_nobody_came_in(response, 404)
            assert "You can’t sign in here" in response.content.decode()


class TestAForm:
    def test_that_is_sent_too_late_gets_a_page_with_a_link(
        self, client: Client, provider: Provider
    ) -> None:
        """A redirect would end at the issuer, where a form of ours must not lead."""
        path = f"/events/{EventFactory().pk}/book"

        response = client.post(path)

        assert_nobody_came_in(response, 403)
        assert f"/sign-in?next={quote(path, safe='')}" in response.content.decode()

    def test_books_for_the_guest_who_is_signed_in(self, client: Client, provider: Provider) -> None:
        path = f"/events/{EventFactory(max_seats=1).pk}/book"
        sign_in(client, provider)
        form = client.get(path).context["form"]

        response = client.post(
            path, {"key": form["key"].value(), "saw_seats": "on", "email": "ben@example.com"}
        )

        assert response.status_code == 302
        [booking] = Booking.objects.all()
        assert (booking.user_id, booking.status) == ("ann", "confirmed")
        assert contacts_of(["ann"])["ann"].name == "Ann"


class TestAnIssuerThatIsAway:
    @pytest.fixture(autouse=True)
    def _waits_briefly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issuer_module, "FETCH_SECONDS", BRIEF_SECONDS)

    def test_is_a_page_at_the_beginning(self, client: Client, provider: Provider) -> None:
        provider.proxy.cut()

        response = client.get("/sign-in")

        assert_nobody_came_in(response, 503)
        assert "Retry-After" in response

    def test_is_a_page_at_the_end(self, client: Client, provider: Provider) -> None:
        address = provider.approve(leave(client), "ann")
        provider.proxy.cut()

        assert_nobody_came_in(come_back(client, address), 503)

    def test_costs_no_more_than_its_time_if_it_is_frozen(
        self, client: Client, provider: Provider
    ) -> None:
        address = provider.approve(leave(client), "ann")
        provider.proxy.freeze()

        assert_nobody_came_in(client.get("/sign-in/callback", query_of(address)), 503)

    def test_is_not_asked_again_at_once(
        self, client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.monotonic()
        monkeypatch.setattr(issuer_module, "monotonic", lambda: now)
        provider.configuration = {"token_endpoint": None}
        for _ in range(3):
            assert_nobody_came_in(client.get("/sign-in"), 503)
        assert provider.asked_for == ["/.well-known/openid-configuration"]
        provider.configuration = {}

        now += issuer_module.PAUSE_SECONDS

        assert leave(client)

    @pytest.mark.parametrize(
        "lie",
        [
            {"issuer": "https://evil.example"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"token_endpoint": "file:///etc/passwd"},
            {"jwks_uri": ["http://127.0.0.1"]},
        ],
        ids=str,
    )
    def test_is_an_issuer_whose_configuration_can_not_be_used(
        self, client: Client, provider: Provider, lie: dict[str, Any]
    ) -> None:
        provider.configuration = lie

        assert_nobody_came_in(client.get("/sign-in"), 503)

    @pytest.mark.parametrize("status", [401, 500])
    def test_is_an_issuer_that_does_not_exchange_codes(
        self, client: Client, provider: Provider, status: int
    ) -> None:
        provider.token_status = status

        assert_nobody_came_in(sign_in(client, provider), 503)


class TestAGuestWhoIsSignedIn:
    def test_is_nobody_to_the_api_and_to_the_admin(
        self, client: Client, provider: Provider, settings: Any, ask_for_tokens: AskForTokens
    ) -> None:
        ask_for_tokens(settings.JWT)
        [booking] = booked(EventFactory(), ["ann"])
        sign_in(client, provider)

        assert client.get(f"/api/v1/bookings/{booking.pk}").status_code == 401
        assert client.get("/api/v1/bookings?user_id=ann").status_code == 401
        deleted = client.delete(f"/api/v1/bookings/{booking.pk}", content_type="application/json")
        assert deleted.status_code == 401
        assert client.get("/admin/")["Location"].startswith("/admin/login/")

    def test_has_no_session(self, client: Client, provider: Provider) -> None:
        """So there is none that could be fixed beforehand."""
        sign_in(client, provider)

        assert Session.objects.count() == 0
