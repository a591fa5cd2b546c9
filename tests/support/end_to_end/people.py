"""A user with a browser: login pages over real HTTP, with cookies kept by hand.

An HTTP library's jar would keep Secure cookies from plain http; a browser behind a proxy that
terminates TLS does not.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from http.cookies import SimpleCookie

import httpx

from tests.support.end_to_end.processes import ROOT

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LOGIN_PATH = "/admin/login/"
PASSWORD = "correct-horse-battery"


def create_superuser(service: str, environ: Mapping[str, str], name: str) -> None:
    run = subprocess.run(
        [sys.executable, f"manage_{service}.py", "createsuperuser", "--noinput"],
        cwd=ROOT,
        env={
            **environ,
            "DJANGO_SUPERUSER_USERNAME": name,
            "DJANGO_SUPERUSER_EMAIL": "somebody@example.com",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr


def create_member(service: str, environ: Mapping[str, str], name: str, *, group: str) -> None:
    """Somebody who may log in to the admin of the service, as a member of the group."""
    run = subprocess.run(
        [sys.executable, f"manage_{service}.py", "make_staff", name, "--group", group],
        cwd=ROOT,
        env=dict(environ),
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr


class Person:
    """`headers` are those that a browser and the proxies before the service add."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        return self._keep(httpx.get(f"{self.url}{path}", **self._options()))

    def log_in(self, name: str, password: str) -> httpx.Response:
        """Opens the log-in page, fills it in and sends it."""
        page = self.get(LOGIN_PATH)
        assert page.status_code == 200, page.text
        return self.send_login(page, name, password)

    def send_login(self, page: httpx.Response, name: str, password: str) -> httpx.Response:
        match = _TOKEN.search(page.text)
        assert match is not None, page.text
        form = {"csrfmiddlewaretoken": match[1], "username": name, "password": password}
        options = self._options()
        # The scheme that the browser sees.
        secure = self.headers.get("X-Forwarded-Proto") == "https"
        host = options["headers"].get("Host", str(httpx.URL(self.url).netloc, "ascii"))
        origin = f"{'https' if secure else 'http'}://{host}"
        options["headers"] |= {"Origin": origin, "Referer": f"{origin}{page.url.path}"}
        return self._keep(httpx.post(page.url, data={**form, "next": "/admin/"}, **options))

    def _options(self) -> dict[str, dict[str, str]]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {
            "Accept": "text/html",
            **self.headers,
            **({"Cookie": cookies} if cookies else {}),
        }
        return {"headers": headers, "timeout": 60, "trust_env": False}  # type: ignore[dict-item]

    def _keep(self, response: httpx.Response) -> httpx.Response:
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response
