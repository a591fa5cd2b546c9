"""The settings of the guests' log-in are checked when the service starts."""

from typing import Any

import pytest

from booking_project.guests.login.settings import OidcSettings, read_oidc_settings
from shared.auth.settings import JwtSettings
from shared.conf.env import Environment
from tests.support.issuer import secret_settings

VARIABLES = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER")
KEYS = {"jwks_url": "https://issuer.example/keys", "secret": "", "algorithms": ("ES256",)}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def read(
    monkeypatch: pytest.MonkeyPatch,
    *,
    jwt: JwtSettings | None,
    public_url: str = "https://tickets.example",
    **variables: str,
) -> tuple[OidcSettings | None, dict[str, Any]]:
    """What is read, and what is wrong."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    env = Environment()
    found = read_oidc_settings(env, jwt=jwt, public_url=public_url)
    return found, env.problems()


def test_there_is_no_log_in_without_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, jwt=secret_settings()) == (None, {})


def test_there_is_no_log_in_in_open_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, jwt=None, OIDC_CLIENT_ID="tickets") == (None, {})


def test_the_issuer_is_that_of_the_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    found, problems = read(
        monkeypatch,
        jwt=secret_settings(**KEYS),
        OIDC_CLIENT_ID="tickets",
        OIDC_CLIENT_SECRET="secret",
    )

    assert problems == {}
    assert found == OidcSettings(
        issuer="https://issuer.example",
        client_id="tickets",
        client_secret="secret",
        redirect_uri="https://tickets.example/sign-in/callback",
        algorithms=("ES256",),
    )
    assert "secret'" not in repr(found)


def test_the_issuer_may_have_another_url(monkeypatch: pytest.MonkeyPatch) -> None:
    found, problems = read(
        monkeypatch,
        jwt=secret_settings(issuer="us"),
        OIDC_CLIENT_ID="tickets",
        OIDC_ISSUER="https://login.example",
    )

    assert problems == {}
    assert found is not None
    assert (found.issuer, found.algorithms) == ("https://login.example", ("RS256",))


def test_an_issuer_without_a_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, problems = read(monkeypatch, jwt=secret_settings(issuer="us"), OIDC_CLIENT_ID="tickets")

    assert problems.keys() == {"OIDC_ISSUER"}


def test_a_client_without_a_public_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, problems = read(monkeypatch, jwt=secret_settings(), public_url="", OIDC_CLIENT_ID="tickets")

    assert problems.keys() == {"OIDC_CLIENT_ID"}
