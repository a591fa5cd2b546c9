"""Admins write events, everybody reads them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework.views import APIView

from shared.auth.authentication import Open
from shared.auth.settings import JwtSettings
from shared.formats.json import dump_json
from shared.limits.rate import parse_rate
from shared.limits.throttling import WriteThrottle
from tests.support.authorization import AskForTokens, Decision, shown_as_public, staff, undecided
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, assert_problem, post, valid
from tests.support.issuer import Issuer, running_issuer, secret_settings, secret_token, token

pytestmark = pytest.mark.django_db

# Staff with a session, and the permissions that they have.
STAFF = {
    "staff": [],
    "staff who view": ["events.view_event"],
    "staff who add": ["events.add_event"],
    "staff who change": ["events.change_event"],
    "staff who delete": ["events.delete_event"],
}
EVERYBODY = {"nobody": 200, "user": 200, "admin": 200, **dict.fromkeys(STAFF, 200)}
ADMINS = {"nobody": 401, "user": 403, "admin": 200, **dict.fromkeys(STAFF, 403)}
CHANGERS = {**ADMINS, "staff who change": 200}
DECISIONS = {
    "GET /health": Decision(statuses=EVERYBODY),
    "GET /health/ready": Decision(statuses=EVERYBODY),
    "GET /api/v1/events": Decision(statuses=EVERYBODY),
    "POST /api/v1/events": Decision(
        statuses={**ADMINS, "admin": 201, "staff who add": 201}, body=valid()
    ),
    "GET /api/v1/events/{event_id}": Decision(statuses=EVERYBODY),
    "PATCH /api/v1/events/{event_id}": Decision(statuses=CHANGERS, body={"name": "Another"}),
    "POST /api/v1/events/{event_id}/cancel": Decision(statuses=CHANGERS),
}
CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "user": {"sub": "ann"},
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


def call(client: Client, operation: str, **headers: str) -> Any:
    method, path = operation.split()
    path = path.format(event_id=EventFactory().pk)
    body = DECISIONS[operation].body
    return client.generic(
        method,
        path,
        b"" if body is None else dump_json(dict(body)),
        content_type="application/json" if body is not None else "application/octet-stream",
        headers=headers,
    )


def test_every_operation_of_the_schema_is_decided() -> None:
    assert undecided(DECISIONS) == set()


def test_an_operation_without_a_decision_is_found() -> None:
    rest = DECISIONS.keys() - {"POST /api/v1/events"}
    assert undecided(rest) == {"POST /api/v1/events"}


def test_the_schema_shows_what_is_public() -> None:
    public = {name for name, decision in DECISIONS.items() if decision.is_public}
    assert shown_as_public() == public


@pytest.mark.parametrize("caller", EVERYBODY)
@pytest.mark.parametrize("operation", DECISIONS)
def test_the_table_holds(client: Client, sign: Sign, operation: str, caller: str) -> None:
    headers = {}
    if caller in CLAIMS:
        headers["authorization"] = f"Bearer {sign(**CLAIMS[caller])}"
    if caller in STAFF:
        client.force_login(staff(*STAFF[caller]))

    response = call(client, operation, **headers)

    expected = DECISIONS[operation].statuses[caller]
    assert response.status_code == expected, response.content
    if expected == 401:
        assert_problem(response, 401, code="not_authenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    if expected == 403:
        assert_problem(response, 403, code="permission_denied")


@pytest.mark.parametrize("operation", DECISIONS)
def test_anyone_may_do_anything_if_the_service_is_open(client: Client, operation: str) -> None:
    assert APIView.authentication_classes == [Open]
    assert call(client, operation, authorization="Bearer nonsense").status_code in (200, 201)


@pytest.mark.parametrize("operation", ["GET /api/v1/events", "POST /api/v1/events"])
def test_a_bad_token_is_refused_even_where_none_is_needed(
    client: Client, sign: Sign, operation: str
) -> None:
    response = call(client, operation, authorization=f"Bearer {sign(exp=1)}")

    assert_problem(response, 401, code="token_expired")
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="api", error="invalid_token", error_description="the token has expired"'
    )


def test_a_staff_session_writes_with_a_csrf_token_and_not_without(sign: Sign) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(staff("events.change_event"))
    browser.get(EVENTS, headers={"accept": "text/html"})
    secret = browser.cookies["event_csrf"].value

    without = call(browser, "PATCH /api/v1/events/{event_id}")
    with_it = call(browser, "PATCH /api/v1/events/{event_id}", **{"x-csrftoken": secret})

    assert_problem(without, 403)
    assert with_it.status_code == 200


def test_a_session_of_a_user_who_is_not_staff_may_not_write(client: Client, sign: Sign) -> None:
    client.force_login(User.objects.create_user("eve"))

    assert_problem(call(client, "POST /api/v1/events"), 403, code="permission_denied")


def test_the_form_for_a_new_event_is_shown_to_those_who_may_write(
    client: Client, sign: Sign
) -> None:
    stranger = client.get(EVENTS, headers={"accept": "text/html"})
    client.force_login(staff("events.view_event"))
    viewer = client.get(EVENTS, headers={"accept": "text/html"})
    client.force_login(User.objects.create_superuser("root"))
    admin = client.get(EVENTS, headers={"accept": "text/html"})

    assert stranger.status_code == viewer.status_code == admin.status_code == 200
    assert b"<textarea" not in stranger.content
    assert b"<textarea" not in viewer.content
    assert b"<textarea" in admin.content


def test_nothing_that_was_refused_is_written(client: Client, ask_for_tokens: AskForTokens) -> None:
    ask_for_tokens(JwtSettings(issuer="i", audience="a", algorithms=("HS256",), secret="s" * 32))
    event = EventFactory()

    response = client.patch(
        f"{EVENTS}/{event.pk}", data=b'{"name": "Another"}', content_type="application/json"
    )

    assert_problem(response, 401)
    before = event.name
    event.refresh_from_db()
    assert event.name == before


def test_too_many_writes_are_refused_and_the_connection_is_kept(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_WRITES = parse_rate("2/hour")
    monkeypatch.setattr(APIView, "throttle_classes", [WriteThrottle])
    before = connection.connection

    answers = [post(client, valid()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert_problem(answers[-1], 429, code="throttled")
    assert client.get(EVENTS).status_code == 200
    assert connection.connection is before
