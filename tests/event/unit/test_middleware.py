"""Middleware for people costs API clients nothing, and what protects all is there for all."""

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils.module_loading import import_string

FOR_BROWSERS = "shared.middleware.browsers.ForBrowsers"
PATH = "/api/v1/nothing"


def _nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@pytest.mark.parametrize("name", settings.MIDDLEWARE[settings.MIDDLEWARE.index(FOR_BROWSERS) + 1 :])
def test_all_behind_the_one_that_says_so_can_be_passed(name: str) -> None:
    """`ForBrowsers` finds the view by this attribute."""
    assert import_string(name)(_nothing).get_response is _nothing


@pytest.mark.parametrize("headers", [{}, {"accept": "application/json"}])
def test_api_clients_pass_them(client: Client, headers: dict[str, str]) -> None:
    response = client.get(PATH, headers=headers)

    assert "X-Frame-Options" not in response
    assert not hasattr(response.wsgi_request, "session")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, {"accept": "text/html"}),
        (PATH, {"accept": "application/json, text/html;q=0.5"}),
        (PATH, {"cookie": "event_session=a"}),
        ("/health", {}),
        ("/admin/nothing", {}),
    ],
)
def test_others_do_not(client: Client, path: str, headers: dict[str, str]) -> None:
    response = client.get(path, headers=headers)

    assert response["X-Frame-Options"] == "DENY"
    assert hasattr(response.wsgi_request, "session")


@pytest.mark.parametrize("headers", [{}, {"accept": "text/html"}])
def test_what_protects_all_is_there_for_all(client: Client, headers: dict[str, str]) -> None:
    response = client.get(PATH, headers=headers)

    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert client.get(PATH, headers={**headers, "host": "elsewhere"}).status_code == 400
