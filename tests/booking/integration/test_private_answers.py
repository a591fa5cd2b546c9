"""Responses about users are not cached."""

from collections.abc import Mapping

import pytest
from django.test import Client

from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, booked
from tests.support.issuer import secret_token

pytestmark = pytest.mark.django_db

BOOKINGS = "/api/v1/bookings"
ANN = {"authorization": f"Bearer {secret_token(sub='ann')}"}


@pytest.mark.parametrize("headers", [{}, ANN, {**ANN, "accept": "text/html"}])
@pytest.mark.parametrize("found", [True, False])
def test_they_are_not_stored(
    browser: Client, ask_for_tokens: AskForTokens, headers: Mapping[str, str], found: bool
) -> None:
    ask_for_tokens()
    [booking] = booked(EventFactory(), ["ann"])
    event, number = (booking.event_id, booking.pk) if found else (99999, 99999)

    for path in (f"{BOOKINGS}/{number}", BOOKINGS, f"/api/v1/events/{event}/bookings"):
        response = browser.get(path, headers=headers)

        assert response["Cache-Control"] == "no-store"
        vary = {name.strip() for name in response["Vary"].split(",")}
        assert {"Accept", "Authorization", "Cookie"} <= vary


def test_a_page_is_not_stored_whatever_it_is_about(browser: Client) -> None:
    path = f"/api/v1/events/{EventFactory().pk}/status"

    assert browser.get(path, headers={"accept": "text/html"})["Cache-Control"] == "no-store"
    assert "Cache-Control" not in browser.get(path)
