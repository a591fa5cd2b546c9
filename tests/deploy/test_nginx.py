"""The configuration in deploy/nginx, in a real nginx in front of both services."""

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest

from shared.api.problems import CONTENT_TYPE, problem
from shared.auth.hashing import SECONDS_TO_WAIT
from shared.db.waits import MARGIN_SECONDS
from shared.serving.connection import NEXT_REQUEST_SECONDS, RECEIVE_SECONDS, SEND_SECONDS
from tests.support.deploy.nginx import BOOKINGS_HOST, EVENTS_HOST
from tests.support.deploy.proxied import Proxied
from tests.support.end_to_end.clients import EVENTS, event_input
from tests.support.end_to_end.processes import ROOT
from tests.support.end_to_end.raw_http import parsed
from tests.support.end_to_end.static_files import redoc_bundle
from tests.support.end_to_end.system import wait_until_healthy
from tests.support.soak.system import drain_seconds
from tests.support.waiting import PATIENCE_SECONDS, never

# How large a body each service takes.
LIMITS = {EVENTS_HOST: 256 * 1024, BOOKINGS_HOST: 64 * 1024}
PATHS = {EVENTS_HOST: EVENTS, BOOKINGS_HOST: f"{EVENTS}/999/bookings"}
JSON = {"Content-Type": "application/json"}
HOSTS = [EVENTS_HOST, BOOKINGS_HOST]


@contextlib.contextmanager
def connected(
    behind: Proxied, host: str = EVENTS_HOST, *, address: str = "127.0.0.1"
) -> Iterator[ssl.SSLSocket]:
    plain = socket.create_connection(
        ("127.0.0.1", behind.tls_port), PATIENCE_SECONDS, source_address=(address, 0)
    )
    with plain, behind.tls().wrap_socket(plain, server_hostname=host) as connection:
        yield connection


def exchange(behind: Proxied, sent: bytes, *, host: str = EVENTS_HOST) -> httpx.Response:
    """What comes back until nginx closes the connection."""
    answer = parsed(everything(behind, sent, host=host))
    return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


def everything(
    behind: Proxied, sent: bytes, *, host: str = EVENTS_HOST, address: str = "127.0.0.1"
) -> bytes:
    with connected(behind, host, address=address) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(target: bytes, *headers: bytes, host: str = EVENTS_HOST) -> bytes:
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: " + host.encode(), b"Connection: close"]
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n"


def assert_problem(answer: httpx.Response, *, status: int, code: str) -> None:
    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert body.pop("request_id") == answer.headers["X-Request-ID"]
    assert body == problem(status=status, code=code, detail=body["detail"])


@pytest.mark.parametrize("host", HOSTS)
def test_each_name_leads_to_its_service_over_tls(behind_nginx: Proxied, host: str) -> None:
    with behind_nginx.client(host) as client:
        response = client.get("/health")

    assert response.json()["service"] == host.replace("s.example", "-service")
    assert "max-age=600" in response.headers["Strict-Transport-Security"]


def test_http_leads_to_https_and_an_unknown_name_nowhere(behind_nginx: Proxied) -> None:
    url = f"http://127.0.0.1:{behind_nginx.http_port}/api/v1/events?limit=1"
    moved = httpx.post(url, headers={"Host": EVENTS_HOST}, trust_env=False)

    assert moved.status_code == 308
    assert moved.headers["Location"] == f"https://{EVENTS_HOST}/api/v1/events?limit=1"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, headers={"Host": "other.example"}, trust_env=False)
    with pytest.raises(ssl.SSLError), connected(behind_nginx, "other.example"):
        pass


def test_browsers_get_http_2(behind_nginx: Proxied) -> None:
    context = behind_nginx.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    address = ("127.0.0.1", behind_nginx.tls_port)

    with (
        socket.create_connection(address, PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=EVENTS_HOST) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics?x", "/health/ready", "//metrics", "/%6detrics", "/refusals/413"]
)
def test_what_is_for_monitoring_is_not_public(behind_nginx: Proxied, host: str, path: str) -> None:
    sent = request(path.encode(), host=host)

    assert_problem(exchange(behind_nginx, sent, host=host), status=404, code="not_found")


def test_a_request_has_one_id_whoever_made_it(behind_nginx: Proxied) -> None:
    with behind_nginx.client() as client:
        own = client.get("/health", headers={"X-Request-ID": "the-callers"})
        made = client.get("/health")

    assert own.headers["X-Request-ID"] == "the-callers"
    assert re.fullmatch("[0-9a-f]{32}", made.headers["X-Request-ID"])


@pytest.mark.parametrize("host", HOSTS)
def test_a_body_as_large_as_a_service_takes_passes(behind_nginx: Proxied, host: str) -> None:
    body = b"{" + b" " * (LIMITS[host] - 2) + b"}"
    with behind_nginx.client(host) as client:
        response = client.post(PATHS[host], content=body, headers=JSON)

    assert response.json()["code"] == "invalid_input"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("host", HOSTS)
def test_a_larger_one_is_refused_as_the_service_would(
    behind_nginx: Proxied, host: str, chunked: bool
) -> None:
    body = b"{" + b" " * LIMITS[host] + b"}"
    port = behind_nginx.event_port if host == EVENTS_HOST else behind_nginx.booking_port
    direct = f"http://127.0.0.1:{port}{PATHS[host]}"
    itself = httpx.post(direct, content=body, headers=JSON, trust_env=False)
    with behind_nginx.client(host) as client:
        content = iter([body]) if chunked else body
        response = client.post(PATHS[host], content=content, headers=JSON)

    assert_problem(response, status=413, code="body_too_large")
    assert_problem(itself, status=413, code="body_too_large")
    assert response.json()["detail"] == itself.json()["detail"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request(b"/health", b"Host: " + EVENTS_HOST.encode()), 400, "bad_request"),
        (request(b"/health", b"Content-Length: x"), 400, "bad_request"),
        (request(b"/" + b"a" * 20000), 414, "uri_too_long"),
        (request(b"/health", b"X: " + b"a" * 20000), 431, "headers_too_large"),
    ],
)
def test_what_nginx_refuses_itself_is_a_problem_document(
    behind_nginx: Proxied, sent: bytes, status: int, code: str
) -> None:
    assert_problem(exchange(behind_nginx, sent), status=status, code=code)


def test_a_body_is_complete_before_the_service_hears_of_it(behind_nginx: Proxied) -> None:
    port = behind_nginx.booking_port
    head = (
        f"POST {EVENTS}/999/bookings HTTP/1.1\r\nHost: {BOOKINGS_HOST}\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 18\r\n\r\n"
    )
    before = behind_nginx.connections_to(port)

    with connected(behind_nginx, BOOKINGS_HOST, address="127.0.0.5") as connection:
        connection.sendall(head.encode() + b'{"user_')
        never(lambda: behind_nginx.connections_to(port) > before, "connection to the service")
        connection.sendall(b'id": "ann"')
        connection.sendall(b"}")
        received = connection.recv(65536)

    assert b" 404 " in received.splitlines()[0]
    assert b"event not found" in received


def test_connections_to_a_service_are_kept(behind_nginx: Proxied) -> None:
    with behind_nginx.client(BOOKINGS_HOST) as client:
        for _ in range(20):
            assert client.get("/health").status_code == 200

    assert behind_nginx.connections_to(behind_nginx.booking_port) == 1


def test_limits_count_by_the_clients_address_whatever_it_claims(behind_nginx: Proxied) -> None:
    with (
        behind_nginx.client(address="127.0.0.2") as greedy,
        behind_nginx.client(address="127.0.0.3") as other,
    ):
        made = [greedy.post(EVENTS, json=event_input()).status_code for _ in range(40)]
        forged = {"X-Forwarded-For": "203.0.113.7"}
        refused = greedy.post(EVENTS, json=event_input(), headers=forged)
        allowed = other.post(EVENTS, json=event_input())

    assert made == [201] * 40
    assert refused.status_code == 429
    assert allowed.status_code == 201


def test_a_client_can_not_say_that_it_came_over_http(behind_nginx: Proxied) -> None:
    with behind_nginx.client() as client:
        response = client.get("/health", headers={"X-Forwarded-Proto": "http"})

    assert "Strict-Transport-Security" in response.headers


def test_a_browser_can_log_in(behind_nginx: Proxied) -> None:
    """Cookies are Secure, and the page's origin is that of the service."""
    with behind_nginx.client() as client:
        page = client.get("/admin/login/", headers={"Accept": "text/html"})
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        headers = {"Origin": f"https://{EVENTS_HOST}", "Referer": f"https://{EVENTS_HOST}/admin/"}
        form = {"csrfmiddlewaretoken": token[1], "username": "nobody", "password": "wrong"}
        refused = client.post("/admin/login/", data=form, headers=headers)
        other = client.post("/admin/login/", data=form, headers={"Origin": "https://evil.example"})

    assert "Secure" in page.headers["Set-Cookie"]
    assert refused.status_code == 200, "the form again, with an error"
    assert other.status_code == 403


def test_a_flood_from_one_address_is_refused(behind_nginx: Proxied) -> None:
    one = f"GET /health HTTP/1.1\r\nHost: {EVENTS_HOST}\r\n\r\n".encode()
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    received = everything(behind_nginx, one * 699 + last, address="127.0.0.9")

    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", received)
    assert statuses.count(b"200") >= 500, "the burst is allowed"
    assert statuses.count(b"429") >= 100
    assert b'"code":"throttled"' in received
    assert b"Retry-After: 1" in received


@pytest.mark.parametrize("host", HOSTS)
def test_static_files_are_asked_for_once_and_kept_for_good(
    behind_nginx: Proxied, host: str
) -> None:
    part, port = (
        (behind_nginx.event, behind_nginx.event_port)
        if host == EVENTS_HOST
        else (behind_nginx.booking, behind_nginx.booking_port)
    )
    with behind_nginx.client(host) as client:
        bundle = redoc_bundle(client)
        first = client.get(bundle, headers={"Accept-Encoding": "br"})
        assert part.stop() == 0
        try:
            again = client.get(bundle, headers={"Accept-Encoding": "br"})
            program = client.get(EVENTS)
            person = client.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
        finally:
            part.start()
            wait_until_healthy(f"http://127.0.0.1:{port}", part)

    assert first.headers["Content-Encoding"] == "br"
    assert "immutable" in first.headers["Cache-Control"]
    assert (again.status_code, again.content) == (200, first.content)
    assert_problem(program, status=503, code="try_again_later")
    assert person.status_code == 503
    assert person.headers["Content-Type"] == "text/html"
    assert "Please try again" in person.text
    assert program.headers["Retry-After"] == person.headers["Retry-After"] == "1"


def test_waits_fit_those_of_the_services() -> None:
    """nginx closes an idle connection before a service that is restarted does, and waits for an
    answer for longer than a service needs."""
    text = "".join(file.read_text() for file in sorted((ROOT / "deploy" / "nginx").rglob("*.conf")))
    upstreams = re.findall(r"upstream [^}]*keepalive_timeout (\d+)s", text)

    def wait(name: str) -> int:
        found = re.findall(rf"^{name} (\d+)s;", text, re.M)
        assert len(found) == 1, name
        return int(found[0])

    assert len(upstreams) == 2
    assert all(int(each) < drain_seconds() < NEXT_REQUEST_SECONDS for each in upstreams)
    assert wait("proxy_read_timeout") > 5 + MARGIN_SECONDS + SECONDS_TO_WAIT
    assert wait("client_header_timeout") == wait("client_body_timeout") == RECEIVE_SECONDS
    assert wait("send_timeout") == SEND_SECONDS
