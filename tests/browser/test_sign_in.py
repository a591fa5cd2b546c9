"""With AUTH_MODE=jwt, guests sign in at the issuer, which is another site."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from devstack.ports import free_port
from tests.support.browser.checks import check_accessibility, check_width
from tests.support.browser.windows import PHONE, Windows
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.system import System
from tests.support.issuer import SECRET
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

BOOKING = re.compile(r"/bookings/\d+")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def url(system: System, provider: Provider) -> Iterator[str]:
    """A booking service that requires tokens."""
    assert system.own is not None
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    provider.redirect_uris = {f"{public_url}/sign-in/callback"}
    with system.own.another_service(
        "booking",
        "booking-with-log-in",
        port=port,
        AUTH_MODE="jwt",
        JWT_ISSUER=provider.url,
        JWT_AUDIENCE="reservations",
        JWT_SECRET=SECRET,
        BOOKING_PUBLIC_URL=public_url,
        OIDC_CLIENT_ID=CLIENT_ID,
        OIDC_CLIENT_SECRET=CLIENT_SECRET,
    ) as url:
        yield url


def answer(page: Page, name: str, button: str = "Sign in") -> None:
    """At the issuer."""
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name=button).click()


def book(page: Page, event: int, name: str) -> str:
    """From the event's page, by way of the issuer. Returns the path of the booking."""
    page.goto(f"/events/{event}")
    page.locator(f'a[href="/events/{event}/book"]').click()
    answer(page, name)
    page.wait_for_url(f"**/events/{event}/book")
    page.locator("main form button").click()
    page.wait_for_url(BOOKING)
    found = BOOKING.search(page.url)
    assert found is not None
    return found[0]


def test_two_guests_sign_in_and_see_only_their_own_bookings(
    windows: Windows, url: str, sale: Sale
) -> None:
    event = sale.create_event(max_seats=2)
    ann, ben = windows.open(base_url=url), windows.open(PHONE, base_url=url)

    of_ann, of_ben = book(ann, event, "ann"), book(ben, event, "ben")

    for page, own, other in ((ann, of_ann, of_ben), (ben, of_ben, of_ann)):
        page.goto("/bookings")
        expect(page.locator(f'main a[href="{own}"]').first).to_be_visible()
        expect(page.locator(f'main a[href="{other}"]')).to_have_count(0)
        response = page.goto(other)
        assert response is not None
        assert response.status == 404
    assert {row["user_id"] for row in sale.list(event)} == {"ann", "ben"}


def test_who_signs_out_is_asked_again(windows: Windows, url: str) -> None:
    page = windows.open(base_url=url)
    page.goto("/bookings")
    answer(page, "ann")
    page.wait_for_url(f"{url}/bookings")

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}/")
    page.goto("/bookings")

    expect(page.get_by_role("heading", name="Sign in at the provider")).to_be_visible()


def test_who_thinks_better_of_it_can_try_again(windows: Windows, url: str) -> None:
    page = windows.open(PHONE, base_url=url)
    page.goto("/bookings")
    answer(page, "ann", "Cancel")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    check_width(page)
    check_accessibility(page)
    page.get_by_role("link", name="Try again").click()
    answer(page, "ann")
    page.wait_for_url(f"{url}/bookings")


def test_an_issuer_that_is_away_is_said_on_a_page(
    windows: Windows, url: str, provider: Provider
) -> None:
    page = windows.open(base_url=url)
    windows.watch(page).allow(503)
    page.goto("/bookings")
    provider.proxy.hold_back(b"POST /token")

    answer(page, "ann")

    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Signing in is not possible right now"
    )
    check_accessibility(page)
    provider.proxy.mend()
