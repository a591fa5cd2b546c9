"""The event service's HTML pages. Their script doesn't run here; these tests check its input."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from event_project.events.api.serializers import EventInput
from event_project.events.models import Event
from tests.support.authorization import AskForTokens, staff
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, VALID, post
from tests.support.pages import Page, page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_other_service(settings: Any) -> None:
    settings.BOOKING_PUBLIC_URL = ""


def addresses(found: Page) -> list[str]:
    """Those in the header `Link`."""
    return [url for text, url in found.links.items() if text.startswith("http")]


def test_the_list_links_to_each_event_and_escapes_its_name(client: Client) -> None:
    event = EventFactory(name="<script>alert(1)</script>")

    found = page(client, EVENTS)

    assert found.links[f"#{event.pk} <script>alert(1)</script>"] == f"{EVENTS}/{event.pk}"
    assert "<script>alert(1)" not in found.html


def test_the_pages_of_a_list_are_linked_with_the_filters(client: Client) -> None:
    EventFactory.create_batch(3)

    first = page(client, f"{EVENTS}?limit=2&name=work")
    [after] = addresses(first)
    second = page(client, after)
    [before] = addresses(second)

    assert "name=work" in after
    assert "limit=2" in before
    assert page(client, before).answer == first.answer


def test_a_list_links_to_its_filters(client: Client) -> None:
    EventFactory()

    links = page(client, EVENTS).links

    assert page(client, links["Upcoming"]).answer == client.get(f"{EVENTS}?upcoming=true").json()
    assert page(client, links["Open"]).answer == client.get(f"{EVENTS}?open=true").json()


def test_the_json_of_the_new_event_is_created_as_it_stands(client: Client) -> None:
    found = page(client, EVENTS)

    response = post(client, found.bodies["POST"].encode())

    assert found.forms["POST"] == EVENTS
    assert response.status_code == 201, response.content
    created = response.json()
    assert set(json.loads(found.bodies["POST"])) == {*VALID, "venue", "starts_at", "ends_at"}
    start, end = (
        datetime.fromisoformat(created[f"booking_{name}_at"]) for name in ("start", "end")
    )
    assert start <= timezone.now() < end


def test_the_page_of_a_new_event_links_to_it(client: Client) -> None:
    response = post(client, VALID, headers={"accept": "text/html"})

    assert response.status_code == 201
    found = Page(response.content.decode())
    assert found.answer["name"] == VALID["name"]
    assert page(client, found.links[f"#{found.answer['id']} {VALID['name']}"])


@pytest.mark.parametrize("body", ['{"name": "</textarea>"}', "{", '{"name":\n "b\u00fccher",}'])
def test_a_refused_body_can_be_corrected(client: Client, body: str) -> None:
    response = post(client, body.encode(), headers={"accept": "text/html"})

    assert response.status_code == 400
    assert Page(response.content.decode()).bodies["POST"] == body


def test_a_body_that_is_too_large_to_be_read_is_a_page_too(client: Client) -> None:
    response = post(client, b" " * 300_000, headers={"accept": "text/html"})

    assert response.status_code == 413
    assert "too large" in Page(response.content.decode()).alert


def test_an_event_can_be_changed_from_its_page_as_it_stands(client: Client) -> None:
    event = EventFactory(name='The "best"', price="9.50")
    path = f"{EVENTS}/{event.pk}"

    found = page(client, path)

    body = json.loads(found.bodies["PATCH"])
    assert set(body) == set(EventInput().fields)
    assert body["name"] == 'The "best"'
    assert body["price"] == 9.5
    assert datetime.fromisoformat(body["booking_start_at"]) == event.booking_start_at
    assert found.forms["PATCH"] == path
    response = client.patch(
        path, data=found.bodies["PATCH"].encode(), content_type="application/json"
    )
    assert response.status_code == 200
    assert response.json()["version"] == 1, "nothing differs"


def test_an_event_can_be_cancelled_from_a_page_of_its_own(client: Client) -> None:
    event = EventFactory()
    path = page(client, f"{EVENTS}/{event.pk}").links["Cancel it"]

    form = page(client, path, status=405).forms["POST"]

    assert client.post(form, content_type="application/json").status_code == 200
    event.refresh_from_db()
    assert event.cancelled_at is not None
    assert page(client, path, status=405).links["Event"] == f"{EVENTS}/{event.pk}"


def test_an_event_links_to_the_booking_service_where_its_address_is_known(
    client: Client, settings: Any
) -> None:
    path = f"{EVENTS}/{EventFactory().pk}"
    assert set(page(client, path).links) & {"How full it is", "Its bookings"} == set()

    settings.BOOKING_PUBLIC_URL = "https://booking.example"

    links = page(client, path).links
    assert links["How full it is"] == f"https://booking.example{path}/status"
    assert links["Its bookings"] == f"https://booking.example{path}/bookings"
    assert links["Events"] == EVENTS


def test_the_json_of_an_event_is_the_same_for_page_and_program(
    client: Client, settings: Any
) -> None:
    settings.BOOKING_PUBLIC_URL = "https://booking.example"
    path = f"{EVENTS}/{EventFactory().pk}"

    answer = client.get(path)

    assert page(client, path).answer == answer.json()
    assert b"booking.example" not in answer.content


@pytest.mark.parametrize(
    ("path", "status", "sentence", "code"),
    [
        (f"{EVENTS}/99999", 404, "event not found", "event_not_found"),
        (f"{EVENTS}/abc", 400, "invalid event id", "invalid_event_id"),
        (f"{EVENTS}?open=maybe", 400, "open must be true or false", "invalid_open"),
        (f"{EVENTS}/1/cancel", 405, 'Method "GET" not allowed.', "method_not_allowed"),
    ],
)
def test_a_refusal_is_a_page_that_says_why(
    client: Client, path: str, status: int, sentence: str, code: str
) -> None:
    found = page(client, path, status=status)

    assert sentence in found.alert
    assert code in found.alert
    assert found.answer["code"] == code


def test_a_page_offers_to_log_in_and_comes_back(
    client: Client, ask_for_tokens: AskForTokens
) -> None:
    ask_for_tokens()
    User.objects.create_superuser("eve", password="a long password")
    stranger = page(client, f"{EVENTS}?open=true")

    response = client.post(
        stranger.links["Log in"],
        {"username": "eve", "password": "a long password"},
    )

    assert response.headers["Location"] == f"{EVENTS}?open=true"
    known = page(client, f"{EVENTS}?open=true")
    assert "Log out eve" in known.html
    assert "Log in" not in known.links


def test_a_page_does_not_offer_to_log_in_where_the_service_is_open(client: Client) -> None:
    assert "Log in" not in page(client, EVENTS).links


def test_a_page_logs_out_with_its_csrf_token(ask_for_tokens: AskForTokens) -> None:
    ask_for_tokens()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("eve"))
    found = page(browser, EVENTS)

    assert browser.post("/admin/logout/").status_code == 403
    response = browser.post(
        "/admin/logout/", {"csrfmiddlewaretoken": found.inputs["csrfmiddlewaretoken"]["value"]}
    )

    assert response.status_code == 200
    assert "Log in" in page(browser, EVENTS).links


def test_a_form_is_taken_with_the_csrf_token_of_its_page(
    client: Client, ask_for_tokens: AskForTokens
) -> None:
    ask_for_tokens()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("eve"))
    found = page(browser, EVENTS)
    body = found.bodies["POST"].encode()

    assert post(browser, body).status_code == 403
    assert post(browser, body, headers={"x-csrftoken": found.csrf_token}).status_code == 201


def test_forms_are_not_shown_to_those_who_may_not_send_them(
    client: Client, ask_for_tokens: AskForTokens
) -> None:
    ask_for_tokens()
    paths = [EVENTS, f"{EVENTS}/{EventFactory().pk}"]
    assert [page(client, path).forms for path in paths] == [{}, {}]

    client.force_login(staff("events.add_event", "events.change_event"))

    assert [list(page(client, path).forms) for path in paths] == [["POST"], ["PATCH"]]


def test_script_and_style_of_a_page_are_served_by_the_service(
    client: Client, settings: Any
) -> None:
    found = page(client, EVENTS)

    for path in found.files:
        assert path.startswith("/static/")
        assert (settings.STATIC_ROOT / path.removeprefix("/static/")).is_file(), path


@pytest.mark.parametrize("accept", ["*/*", "application/json", None])
def test_who_asks_for_json_gets_it_without_a_cookie_and_with_one_query(
    client: Client, accept: str | None
) -> None:
    path = f"{EVENTS}/{EventFactory().pk}"
    headers: Mapping[str, str] = {} if accept is None else {"accept": accept}

    with CaptureQueriesContext(connection) as queries:
        response = client.get(path, headers=headers)

    assert response.headers["Content-Type"] == "application/json"
    assert not response.cookies
    assert len(queries) == 1


@pytest.mark.parametrize("path", [EVENTS, f"{EVENTS}/{{id}}"])
def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    path = path.format(id=EventFactory().pk)

    head, get = client.head(path), client.get(path)

    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers.get("ETag") == get.headers.get("ETag")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_head_of_what_is_not_there_is_404_and_pages_have_their_links(client: Client) -> None:
    EventFactory.create_batch(2)

    assert client.head(f"{EVENTS}/99999").status_code == 404
    assert 'rel="next"' in client.head(f"{EVENTS}?limit=1").headers["Link"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (EVENTS, {"GET", "POST", "HEAD", "OPTIONS"}),
        (f"{EVENTS}/1", {"GET", "PATCH", "HEAD", "OPTIONS"}),
        (f"{EVENTS}/1/cancel", {"POST", "OPTIONS"}),
    ],
)
def test_options_says_what_is_allowed_and_changes_nothing(
    client: Client, path: str, allowed: set[str]
) -> None:
    response = client.options(path)

    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert response.headers["Content-Type"] == "application/json"
    assert Event.objects.count() == 0


def test_a_browser_may_ask_what_is_allowed(client: Client) -> None:
    for path in (EVENTS, f"{EVENTS}/{EventFactory().pk}"):
        response = client.options(path, headers={"accept": "text/html"})
        assert response.status_code == 200
        assert "application/json" in Page(response.content.decode()).answer["parses"]
