"""`GET /api/v1/events`: a bare array in the order of ids, page by page."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support.event.factories import EventFactory, insert_events
from tests.support.event.http import EVENTS
from tests.support.lists import ids, links

pytestmark = pytest.mark.django_db


def make(count: int) -> list[int]:
    return [event.pk for event in EventFactory.create_batch(count)]


def test_without_events_the_list_is_an_empty_array_without_links(client: Client) -> None:
    response = client.get(EVENTS)

    assert response.content == b"[]"
    assert links(response) == {}


def test_a_listed_event_looks_like_the_event_itself(client: Client) -> None:
    (event_id,) = make(1)

    assert client.get(EVENTS).json() == [client.get(f"{EVENTS}/{event_id}").json()]


def test_a_list_that_fits_on_one_page_has_no_links(client: Client) -> None:
    made = make(3)

    response = client.get(f"{EVENTS}?limit=3")

    assert ids(response) == made
    assert links(response) == {}


def test_pages_lead_to_the_end_and_back_again(client: Client) -> None:
    made = make(7)
    first = client.get(f"{EVENTS}?limit=3")
    second = client.get(links(first)["next"])
    third = client.get(links(second)["next"])

    assert [ids(first), ids(second), ids(third)] == [made[:3], made[3:6], made[6:]]
    assert [set(links(page)) for page in (first, second, third)] == [
        {"next"},
        {"next", "prev"},
        {"prev"},
    ]
    back = client.get(links(third)["prev"])
    assert ids(back) == made[3:6]
    assert ids(client.get(links(back)["prev"])) == made[:3]
    assert "prev" not in links(client.get(links(back)["prev"]))
    assert ids(client.get(links(back)["next"])) == made[6:]


def test_a_page_has_100_events_by_default_and_1000_at_most(client: Client) -> None:
    insert_events(1001)

    assert len(ids(client.get(EVENTS))) == 100
    assert len(ids(client.get(f"{EVENTS}?limit=1000"))) == 1000


def test_links_keep_the_rest_of_the_query_and_are_absolute(client: Client) -> None:
    make(2)

    url = links(client.get(f"{EVENTS}?limit=1&seen=a%26b"))["next"]

    assert url.startswith(f"http://testserver{EVENTS}?")
    assert "limit=1" in url
    assert "seen=a%26b" in url


def test_changes_between_two_pages_repeat_and_skip_no_event(client: Client) -> None:
    made = make(4)
    following = links(client.get(f"{EVENTS}?limit=2"))["next"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event WHERE id = %s", [made[0]])
    added = make(1)

    assert ids(client.get(following)) == made[2:]
    assert ids(client.get(links(client.get(following))["next"])) == added


def test_a_page_costs_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make(5)

    with django_assert_num_queries(1):
        client.get(f"{EVENTS}?limit=2")
