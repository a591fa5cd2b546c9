"""`EVENT_PUBLIC_URL` and `BOOKING_PUBLIC_URL`: where browsers reach the services."""

import pytest

from shared.conf.env import Environment, read_public_url, seal


def read(monkeypatch: pytest.MonkeyPatch, text: str) -> str:
    monkeypatch.setenv("SOME_PUBLIC_URL", text)
    env = Environment()
    found = read_public_url(env, "SOME_PUBLIC_URL")
    seal(env)
    return found


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:8081", "http://localhost:8081"),
        ("https://events.example/", "https://events.example"),
        ("https://example.com/sale/events/", "https://example.com/sale/events"),
        ("http://127.0.0.1:8082", "http://127.0.0.1:8082"),
        ("", ""),
    ],
)
def test_it_is_an_address_without_a_slash_at_its_end(
    monkeypatch: pytest.MonkeyPatch, text: str, url: str
) -> None:
    assert read(monkeypatch, text) == url


@pytest.mark.parametrize("text", ["events", "ftp://events.example", "javascript:alert(1)", "//x"])
def test_anything_else_stops_the_start_with_its_name(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with pytest.raises(SystemExit, match="SOME_PUBLIC_URL"):
        read(monkeypatch, text)


def test_it_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PUBLIC_URL", raising=False)
    env = Environment()

    assert read_public_url(env, "SOME_PUBLIC_URL") == ""
    seal(env)
