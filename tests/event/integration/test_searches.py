"""How often callers without a token may search events by name."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shared.limits.models import Budget
from shared.limits.rate import parse_rate
from tests.support.authorization import AskForTokens
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, assert_problem, valid
from tests.support.issuer import secret_token

pytestmark = pytest.mark.django_db

SEARCH = f"{EVENTS}?name=go"


@pytest.fixture(autouse=True)
def _three_an_hour(settings: Any) -> None:
    settings.RATE_LIMIT_SEARCHES = parse_rate("3/hour")


def searches(client: Client, count: int = 4, **extra: Any) -> list[int]:
    return [client.get(SEARCH, **extra).status_code for _ in range(count)]


def test_too_many_searches_are_refused_with_retry_after(client: Client) -> None:
    assert searches(client, 3) == [200, 200, 200]

    response = client.get(SEARCH)

    assert_problem(response, 429, code="throttled")
    assert 1 <= int(response.headers["Retry-After"]) <= 1200


@pytest.mark.parametrize("method", ["get", "head"])
def test_each_address_has_its_own_limit(client: Client, method: str) -> None:
    assert searches(client, REMOTE_ADDR="10.0.0.1")[-1] == 429

    other = getattr(client, method)(SEARCH, REMOTE_ADDR="10.0.0.2")
    assert other.status_code == 200
    assert getattr(client, method)(SEARCH, REMOTE_ADDR="10.0.0.1").status_code == 429


def test_other_reads_and_writes_are_not_limited(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    searches(client)
    event = EventFactory()

    assert client.get(f"{EVENTS}/{event.pk}").status_code == 200
    assert client.get(f"{EVENTS}?open=true&limit=5").status_code == 200
    assert client.post(EVENTS, valid(), content_type="application/json").status_code == 201
    with django_assert_num_queries(1):
        client.get(EVENTS)


def test_a_good_token_has_no_limit_and_a_bad_one_is_refused(
    client: Client, ask_for_tokens: AskForTokens
) -> None:
    ask_for_tokens()
    token = {"authorization": f"Bearer {secret_token(sub='ann')}"}

    assert searches(client, headers=token) == [200] * 4
    assert searches(client, 1, headers={"authorization": "Bearer x"}) == [401]
    assert not Budget.objects.exists()
    assert searches(client)[-1] == 429


def test_searches_are_limited_unless_the_limit_is_turned_off() -> None:
    from rest_framework.settings import api_settings

    names = [throttle.__name__ for throttle in api_settings.DEFAULT_THROTTLE_CLASSES]
    assert names == ["SearchThrottle"]
