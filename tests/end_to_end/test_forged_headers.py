"""Headers that a proxy might set, sent by a client on this machine: all are ignored."""

import pytest

from tests.support.end_to_end.clients import EVENTS, Sale
from tests.support.end_to_end.raw_http import Answer, exchange, request
from tests.support.end_to_end.system import System

# fmt: off
NAMES = [
    "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS",
    "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_HOST", "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO", "PATH_INFO", "PATH_TRANSLATED", "PROXY_ADDR", "PROXY_PROTOCOL",
    "QUERY_STRING", "RAW_URI", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT",
    "REMOTE_USER", "REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_NAME",
    "SCRIPT_URL", "REDIRECT_URL", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL",
    "SERVER_SOFTWARE", "wsgi.errors", "wsgi.input", "wsgi.input_terminated", "wsgi.url_scheme",
    "wsgi_url_scheme", "gunicorn.socket", "FORWARDED", "FRONT_END_HTTPS", "PROXY",
    "X_CLIENT_IP", "X_FORWARDED_BY", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PATH",
    "X_FORWARDED_PORT", "X_FORWARDED_PREFIX", "X_FORWARDED_PROTO", "X_FORWARDED_PROTOCOL",
    "X_FORWARDED_SCHEME", "X_FORWARDED_SERVER", "X_FORWARDED_SSL", "X_HTTP_METHOD_OVERRIDE",
    "X_HTTP_SCHEME", "X_ORIGINAL_HOST", "X_ORIGINAL_URL", "X_PATH_INFO", "X_REAL_IP",
    "X_REMOTE_USER", "X_REQUEST_URI", "X_REWRITE_URL", "X_SCHEME", "X_SCRIPT_NAME",
    "X_URL_SCHEME",
]
# fmt: on
# Of these, the spelling with a hyphen is an ordinary header.
ORDINARY = {"CONTENT-LENGTH", "CONTENT-TYPE"}
SPELLINGS = sorted({*NAMES, *(name.replace("_", "-") for name in NAMES)} - ORDINARY)
VALUES = (b"/api", b"/health", b"https", b"on", b"evil.example", b"DELETE")


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """The response without its date."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("date", "expires")
    }
    return answer.status, headers, answer.body


@pytest.mark.parametrize("service", ["event", "booking"])
def test_forged_proxy_headers_do_not_change_a_response(
    system: System, sale: Sale, service: str
) -> None:
    events = [sale.create_event() for _ in range(2)]
    if service == "event":
        url, listed = system.event_url, f"{EVENTS}?limit=1"
    else:
        for user in ("ann", "ben"):
            sale.booked(events[0], user)
        url, listed = system.booking_url, f"{EVENTS}/{events[0]}/bookings?limit=1"
    paths = [listed.encode(), b"/health", b"/admin/", b"/nowhere"]
    same_id = b"X-Request-ID: mine"
    plain = {path: told(exchange(url, request(b"GET", path, [same_id]))) for path in paths}
    assert 'rel="next"' in plain[paths[0]][1]["link"]

    obeyed = [
        (path, header)
        for path in paths
        for name in SPELLINGS
        for header in [name.encode() + b": " + value for value in VALUES]
        if told(exchange(url, request(b"GET", path, [same_id, header]))) != plain[path]
    ]

    assert obeyed == []


def test_a_server_error_reveals_no_internals(system: System) -> None:
    for url in (system.event_url, system.booking_url):
        answer = exchange(url, request(b"GET", b"/health", [b"SCRIPT_NAME: /elsewhere"]))
        assert answer.status == 200
        assert b"SCRIPT_NAME" not in answer.body
