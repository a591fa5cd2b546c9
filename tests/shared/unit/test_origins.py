"""What follows from the address at which browsers reach a service."""

import pytest

from shared.conf.env import Environment, read_origins, seal
from shared.conf.origins import needs_secure_cookies, trusted_origins


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [("", True), ("https://events.example", True), ("http://localhost:8081", False)],
)
def test_cookies_are_for_https_unless_browsers_are_known_to_come_over_http(
    public_url: str, secure: bool
) -> None:
    assert needs_secure_cookies(public_url, debug=False) is secure
    assert needs_secure_cookies(public_url, debug=True) is False


@pytest.mark.parametrize(
    ("public_url", "own"),
    [
        ("", []),
        ("http://localhost:8081", []),
        ("https://events.example", ["https://events.example"]),
        ("https://example.com:8443/sale/events", ["https://example.com:8443"]),
    ],
)
def test_the_own_origin_is_trusted_behind_a_tls_proxy(public_url: str, own: list[str]) -> None:
    assert trusted_origins(["https://shop.example"], public_url=public_url) == [
        "https://shop.example",
        *own,
    ]


@pytest.mark.parametrize(
    "text",
    ["https://shop.example", "https://*.shop.example,http://[::1]:8081", "http://localhost:3000"],
)
def test_origins_are_read_as_browsers_write_them(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SOME_ORIGINS", text)
    env = Environment()

    assert read_origins(env, "SOME_ORIGINS") == text.split(",")
    seal(env)
