"""Versions as entity tags: `ETag`, `If-Match`, `If-None-Match` (RFC 9110)."""

import pytest
from django.test import Client

from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, VALID, assert_problem, cancel, patch, post
from tests.support.event.messages import announced, forget

pytestmark = pytest.mark.django_db


def at_version_3() -> int:
    event = EventFactory.create()
    event.save()
    event.save()
    forget()
    event_id: int = event.pk
    return event_id


def renamed(client: Client, event_id: int, if_match: str) -> object:
    return patch(client, event_id, {"name": "Renamed"}, headers={"if-match": if_match})


def test_every_response_with_one_event_has_its_version_as_a_strong_etag(client: Client) -> None:
    created = post(client, VALID)
    event_id = created.json()["id"]

    answers = [
        created,
        client.get(f"{EVENTS}/{event_id}"),
        patch(client, event_id, {"name": "Renamed"}),
        patch(client, event_id, {"name": "Renamed"}),
        client.head(f"{EVENTS}/{event_id}"),
        cancel(client, event_id),
        cancel(client, event_id),
        client.get(f"{EVENTS}/{event_id}"),
    ]

    tags = [answer.headers["ETag"] for answer in answers]
    assert tags == ['"1"', '"1"', '"2"', '"2"', '"2"', '"3"', '"3"', '"3"']


@pytest.mark.parametrize("if_match", ['"3"', '"2", "3"', 'W/"1",  "3" ,"x"', "*", ' "3" '])
def test_a_change_to_the_version_that_the_client_saw_is_made(client: Client, if_match: str) -> None:
    event_id = at_version_3()

    response = renamed(client, event_id, if_match)

    assert response.status_code == 200  # type: ignore[attr-defined]
    assert announced() == [("event.updated", event_id, 4)]


@pytest.mark.parametrize(
    "if_match",
    [
        pytest.param('"2"', id="an older version"),
        pytest.param('"4"', id="a version to come"),
        pytest.param('"1", "2"', id="a list of older ones"),
        pytest.param('W/"3"', id="a weak tag"),
        pytest.param("3", id="not quoted"),
        pytest.param('"03"', id="another way to write the number"),
        pytest.param('"3 "', id="a space in the tag"),
        pytest.param('"٣"', id="Arabic digits"),
        pytest.param('"' + "9" * 100 + '"', id="a huge number"),
        pytest.param("", id="nothing"),
        pytest.param("**", id="two stars"),
    ],
)
def test_a_change_to_another_version_is_412_and_not_made(client: Client, if_match: str) -> None:
    event_id = at_version_3()

    response = renamed(client, event_id, if_match)

    message = "event has changed in the meantime"
    assert_problem(response, 412, code="precondition_failed", message=message)
    assert client.get(f"{EVENTS}/{event_id}").headers["ETag"] == '"3"'
    assert announced() == []


def test_the_version_is_compared_even_if_nothing_would_change(client: Client) -> None:
    event_id = at_version_3()

    assert_problem(patch(client, event_id, {}, headers={"if-match": '"2"'}), 412)


def test_checks_run_in_the_documented_order(client: Client) -> None:
    event_id = at_version_3()
    stale = {"headers": {"if-match": '"1"'}}
    window = {"booking_end_at": "2000-01-01T00:00:00Z"}

    assert_problem(patch(client, 999_999, {"max_seats": 0}, **stale), 400)
    assert_problem(patch(client, 999_999, window, **stale), 404)
    assert_problem(patch(client, event_id, window, **stale), 412)
    assert_problem(patch(client, event_id, window, headers={"if-match": '"3"'}), 400)
    cancel(client, event_id)
    assert_problem(patch(client, event_id, window, **stale), 409, code="event_cancelled")


@pytest.mark.parametrize("if_none_match", ['"3"', 'W/"3"', '"1", "3"', "*"])
def test_a_version_that_the_client_has_is_304_without_a_body(
    client: Client, if_none_match: str
) -> None:
    event_id = at_version_3()

    response = client.get(f"{EVENTS}/{event_id}", headers={"if-none-match": if_none_match})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["ETag"] == '"3"'


@pytest.mark.parametrize("if_none_match", ['"2"', '"4", W/"2"', "3", ""])
def test_a_version_that_the_client_does_not_have_is_sent(
    client: Client, if_none_match: str
) -> None:
    event_id = at_version_3()

    response = client.get(f"{EVENTS}/{event_id}", headers={"if-none-match": if_none_match})

    assert response.status_code == 200
    assert response.json()["version"] == 3


def test_an_html_page_is_always_sent(client: Client) -> None:
    event_id = at_version_3()
    headers = {"if-none-match": '"3"', "accept": "text/html"}

    response = client.get(f"{EVENTS}/{event_id}", headers=headers)

    assert response.status_code == 200
    assert b"PATCH" in response.content
