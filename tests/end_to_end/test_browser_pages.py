"""HTML pages as production serves them: behind a proxy that terminates TLS, or over http."""

from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookies import SimpleCookie

import httpx
import pytest

from tests.support import issuer
from tests.support.end_to_end.people import LOGIN_PATH, PASSWORD, Person, create_superuser
from tests.support.end_to_end.system import OwnProcesses, System

HOST = "tickets.example"
PRODUCTION = {
    "AUTH_MODE": "jwt",
    "JWT_ISSUER": issuer.NAME,
    "JWT_AUDIENCE": issuer.AUDIENCE,
    "JWT_SECRET": issuer.SECRET,
    "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
}
BEHIND_TLS = {
    "TRUSTED_PROXIES": "1",
    "TRUSTED_SCHEME_HEADER": "X-Forwarded-Proto",
    "HSTS_SECONDS": "3600",
}
PAGES = {
    "event": ["/api/v1/events", "/admin/events/event/", "/admin/events/event/add/"],
    "booking": ["/api/v1/bookings?user_id=ann", "/admin/bookings/booking/"],
}
PAGES_OF_BOTH = [
    *("/admin/", "/admin/auth/user/", "/admin/auth/user/add/", "/admin/password_change/"),
    *("/admin/axes/accessattempt/", "/api/docs/", "/api/redoc/"),
]


def through_tls(url: str) -> Person:
    """A browser at https://tickets.example, with the headers that the proxy adds."""
    return Person(url, Host=HOST, X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.7")


@pytest.fixture(scope="module", params=["event", "booking"])
def service(request: pytest.FixtureRequest, system: System) -> str:
    """The name of a service that has the superuser `root`."""
    if system.own is None:
        pytest.skip("needs services of its own")
    create_superuser(request.param, system.own.environ, "root")
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def url(service: str, system: System) -> Iterator[str]:
    """Behind a proxy that terminates TLS."""
    assert system.own is not None
    with system.own.another_service(
        service, f"{service}-behind-tls", **PRODUCTION, **BEHIND_TLS
    ) as url:
        yield url


def test_users_log_in_behind_tls_with_secure_cookies(url: str) -> None:
    person = through_tls(url)

    answer = person.log_in("root", PASSWORD)

    assert answer.status_code == 302, answer.text
    set_cookies = [SimpleCookie(line) for line in answer.headers.get_list("set-cookie")]
    morsels = [morsel for cookie in set_cookies for morsel in cookie.values()]
    assert len(morsels) == 2
    assert all(morsel["secure"] for morsel in morsels)
    assert person.get("/admin/").status_code == 200


def test_browsers_that_came_over_https_are_told_to_stay_with_it(url: str) -> None:
    over_https = through_tls(url).get("/admin/login/")
    over_http = Person(url, Host=HOST).get("/admin/login/")

    assert over_https.headers["Strict-Transport-Security"] == "max-age=3600"
    assert "Strict-Transport-Security" not in over_http.headers


# Alpine evaluates attributes and sets styles. Nothing inside a page runs.
ALLOWED_TO_THE_ADMIN = ("script-src 'self' 'unsafe-eval'", "style-src-attr 'unsafe-inline'")


class Found(HTMLParser):
    """Finds what a policy without 'unsafe-inline' forbids a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        is_data = found.get("type") == "application/json"
        if tag == "style" or (tag == "script" and "src" not in found and not is_data):
            self.inline.append(tag)
        self.inline += [f"{tag} {name}" for name in found if name == "style" or name[:2] == "on"]
        sources = [found.get("src") or "", found.get("href") or "" if tag == "link" else ""]
        self.inline += [source for source in sources if source.startswith(("http", "//"))]


def test_every_page_has_a_policy_and_follows_it(url: str, service: str) -> None:
    person = through_tls(url)
    strangers = [person.get(path) for path in (LOGIN_PATH, "/admin/nothing/here/")]
    assert person.log_in("root", PASSWORD).status_code == 302
    pages = [person.get(path) for path in (*PAGES[service], *PAGES_OF_BOTH, "/admin/nothing/")]

    for page in (*strangers, *pages):
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy, page.url
        assert "frame-ancestors 'none'" in policy
        if page.url.path in ("/api/docs/", "/api/redoc/"):
            assert not any(rule.startswith("script-src") for rule in policy)
            continue  # its own policy allows styles
        if page.url.path.startswith("/admin/"):
            policy = [rule for rule in policy if rule not in ALLOWED_TO_THE_ADMIN]
        assert not any("unsafe" in rule for rule in policy), page.url
        assert Found(page.text).inline == [], page.url
    assert [page.status_code for page in pages] == [200] * (len(pages) - 1) + [404]


@pytest.mark.parametrize("accept", ["text/html", "TEXT/HTML", "text/*", "application/xml, text/*"])
def test_a_page_has_its_policy_however_it_is_requested(url: str, accept: str) -> None:
    for path in ("/api/v1/events", "/api/v1/events/1/status", "/api/v1/bookings?user_id=ann"):
        answer = httpx.get(url + path, headers={"Host": HOST, "Accept": accept}, trust_env=False)
        if answer.headers["Content-Type"].startswith("text/html"):
            assert "Content-Security-Policy" in answer.headers
            assert answer.headers["X-Frame-Options"] == "DENY"


def test_users_log_in_over_plain_http_if_the_public_url_says_so(
    service: str, own: OwnProcesses
) -> None:
    variable = f"{service.upper()}_PUBLIC_URL"
    with own.another_service(
        service, f"{service}-http", **PRODUCTION, **{variable: "http://localhost:8081"}
    ) as url:
        person = Person(url)
        answer = person.log_in("root", PASSWORD)

    assert answer.status_code == 302
    assert "secure" not in " ".join(answer.headers.get_list("set-cookie")).lower()


def test_an_https_address_is_enough_to_log_in_behind_a_proxy(
    service: str, own: OwnProcesses
) -> None:
    variable = f"{service.upper()}_PUBLIC_URL"
    with own.another_service(
        service, f"{service}-https", **PRODUCTION, **{variable: f"https://{HOST}"}
    ) as url:
        person = through_tls(url)
        answer = person.log_in("root", PASSWORD)

    assert answer.status_code == 302, answer.text
    assert "secure" in " ".join(answer.headers.get_list("set-cookie")).lower()


def test_cookies_are_secure_without_a_public_url(service: str, system: System) -> None:
    url = system.event_url if service == "event" else system.booking_url

    answer = Person(url).log_in("root", PASSWORD)

    assert answer.status_code == 302
    assert "secure" in " ".join(answer.headers.get_list("set-cookie")).lower()
