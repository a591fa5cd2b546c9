"""The network of an address, however the address is written."""

import pytest
from django.test import RequestFactory

from shared.http.networks import UNKNOWN, client_network, network_of


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("9.9.9.9:1234", "9.9.9.9"),
        ("::ffff:9.9.9.9", "9.9.9.9"),
        ("::FFFF:0909:0909", "9.9.9.9"),
        ("[::ffff:9.9.9.9]:443", "9.9.9.9"),
        ("64:ff9b::9.9.9.9", "9.9.9.9"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8:0:0:ffff::", "2001:db8::"),
        ("[2001:db8::1]", "2001:db8::"),
        ("[2001:db8::1]:65535", "2001:db8::"),
        ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("fe80::1%made-up", "fe80::"),
        ("[fe80::1%made-up]:1", "fe80::"),
    ],
)
def test_an_address_is_known_in_all_its_forms(text: str, network: str) -> None:
    assert network_of(text) == network


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "unknown",
            "_hidden",
            "9.9.9",
            "9.9.9.9.9",
            "9.9.9.9:",
            "9.9.9.9:x",
            "9.9.9.9:123456",
        ),
        *(
            "[9.9.9.9",
            "[]",
            "[x]:1",
            "2001:db8::1]:1",
            "\u0669.9.9.9",
            "9.9.9.9:\u0661",
            " 9.9.9.9 ",
            "9",
        ),
    ],
)
def test_anything_else_is_not_an_address(text: str) -> None:
    assert network_of(text) is None


def test_a_request_without_an_address_still_has_a_name() -> None:
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="")) == UNKNOWN
