"""Pages speak the visitor's language, the API always English."""

import pytest
from django.test import Client
from django.utils import translation

THAI = {"accept-language": "th-TH,th;q=0.9,en;q=0.5", "accept": "text/html"}
LOGIN = "/admin/login/"

pytestmark = pytest.mark.django_db


def test_a_page_is_in_the_language_of_the_browser(client: Client) -> None:
    response = client.get(LOGIN, headers=THAI)

    assert response.headers["Content-Language"] == "th"
    assert {"Accept-Language", "Cookie"} <= set(response.headers["Vary"].split(", "))
    assert 'lang="th"' in response.content.decode()


@pytest.mark.parametrize("languages", ["de", "zz", "*", ""])
def test_it_is_english_if_the_browser_asks_for_none_that_we_have(
    client: Client, languages: str
) -> None:
    response = client.get(LOGIN, headers={"accept-language": languages})
    assert response.headers["Content-Language"] == "en"


def test_the_choice_of_the_visitor_counts_more(client: Client) -> None:
    client.cookies["language"] = "en"
    assert client.get(LOGIN, headers=THAI).headers["Content-Language"] == "en"


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_the_api_speaks_english(client: Client, accept: str) -> None:
    client.cookies["language"] = "th"  # so that it isn't treated as an API client

    response = client.post(
        "/api/v1/events/1/bookings",
        {"user_id": [1]},
        content_type="application/json",
        headers={**THAI, "accept": accept},
    )

    assert response.status_code == 400
    assert "Not a valid string." in response.content.decode()
    assert "Content-Language" not in response.headers


def test_no_language_is_left_behind_for_the_next_request_of_the_thread(client: Client) -> None:
    client.get(LOGIN, headers=THAI)
    assert translation.get_language() == "en"
