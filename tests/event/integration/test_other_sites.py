"""A page of another site can't write through its visitor's browser."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from event_project.events.models import Event
from shared.formats.json import dump_json
from tests.support.authorization import AskForTokens, operations
from tests.support.event.factories import EventFactory
from tests.support.event.http import EVENTS, assert_problem, valid
from tests.support.issuer import secret_token
from tests.support.other_sites import FOREIGN, FORM_TYPES, OWN

pytestmark = pytest.mark.django_db

BODIES: dict[str, Any] = {
    "POST /api/v1/events": valid(),
    "PATCH /api/v1/events/{event_id}": {"name": "Another"},
    "POST /api/v1/events/{event_id}/cancel": None,
}


def call(client: Client, operation: str, headers: Mapping[str, str]) -> Any:
    method, path = operation.split()
    body = BODIES[operation]
    return client.generic(
        method,
        path.format(event_id=EventFactory(name="Before").pk),
        b"" if body is None else dump_json(body),
        content_type="" if body is None else "application/json",
        headers=headers,
    )


def untouched() -> bool:
    return Event.objects.filter(name="Before", cancelled_at=None).count() == Event.objects.count()


def test_every_write_of_the_schema_is_tried() -> None:
    assert {name for name in operations() if not name.startswith("GET ")} == set(BODIES)


@pytest.mark.parametrize("page", FOREIGN)
@pytest.mark.parametrize("operation", BODIES)
def test_writes_from_other_sites_are_refused_in_an_open_service(
    client: Client, operation: str, page: str
) -> None:
    response = call(client, operation, FOREIGN[page])

    assert_problem(response, 403, code="cross_origin")
    assert untouched()


@pytest.mark.parametrize("sender", OWN)
@pytest.mark.parametrize("operation", BODIES)
def test_writes_from_the_own_site_and_from_programs_are_accepted(
    client: Client, operation: str, sender: str
) -> None:
    assert call(client, operation, OWN[sender]).status_code in (200, 201)


@pytest.mark.parametrize("content_type", FORM_TYPES)
@pytest.mark.parametrize("body", [b"", b"a=b", b'{"name": "Another"}'])
@pytest.mark.parametrize("operation", BODIES)
def test_form_content_types_are_refused_from_every_origin(
    client: Client, operation: str, body: bytes, content_type: str
) -> None:
    method, path = operation.split()
    path = path.format(event_id=EventFactory(name="Before").pk)

    # Django's client leaves out the type of an empty body; browsers don't.
    response = client.generic(method, path, body, content_type, CONTENT_TYPE=content_type)

    # A POST without a body lacks what it needs; a PATCH without one changes nothing.
    takes_nothing = body == b"" and BODIES[operation] is not None
    assert response.status_code in ((200, 400) if takes_nothing else (415,)), response.content
    assert untouched()


@pytest.mark.parametrize("page", FOREIGN)
def test_pages_of_other_sites_may_read(client: Client, page: str) -> None:
    assert client.get(EVENTS, headers=FOREIGN[page]).status_code == 200


def test_a_trusted_origin_may_write(client: Client, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.shop.example"]
    headers = {"origin": "https://www.shop.example", "sec-fetch-site": "cross-site"}

    assert call(client, "POST /api/v1/events", headers).status_code == 201


def test_a_write_with_a_token_is_accepted(client: Client, ask_for_tokens: AskForTokens) -> None:
    ask_for_tokens()
    token = f"Bearer {secret_token(sub='root', roles=['admin'])}"
    headers = {**FOREIGN["another host"], "authorization": token}

    assert call(client, "POST /api/v1/events", headers).status_code == 201


def test_the_own_origin_is_https_behind_a_tls_proxy(client: Client, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"host": "testserver", "origin": "https://testserver", "x-forwarded-proto": "https"}

    assert call(client, "POST /api/v1/events", headers).status_code == 201
    assert_problem(
        call(client, "POST /api/v1/events", {**headers, "origin": "http://testserver"}), 403
    )
