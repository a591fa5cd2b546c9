"""The running services, for the demos."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from devstack.ports import LOOPBACK

ARRIVAL_SECONDS = 60

Json = dict[str, Any]


class DemoError(Exception):
    """Why a demo can't go on, in a sentence."""


def service_url(service: str, default_port: int, environ: Mapping[str, str]) -> str:
    """`EVENT_URL` or `BOOKING_URL`, else this machine at `EVENT_PORT` or `BOOKING_PORT`."""
    port = environ.get(f"{service}_PORT", str(default_port))
    return environ.get(f"{service}_URL", f"http://{LOOPBACK}:{port}").rstrip("/")


def service_urls(environ: Mapping[str, str]) -> tuple[str, str]:
    """Of the event and of the booking service."""
    return service_url("EVENT", 8081, environ), service_url("BOOKING", 8082, environ)


def require_services(http: httpx.Client, event_url: str, booking_url: str) -> None:
    """Raises `DemoError` if one of them doesn't respond."""
    for name, url in {"event": event_url, "booking": booking_url}.items():
        try:
            healthy = http.get(f"{url}/health").status_code == 200
        except (httpx.TransportError, httpx.InvalidURL):
            healthy = False
        if not healthy:
            raise DemoError(
                f"the {name} service does not answer at {url}: start both with `make start`, "
                "or set EVENT_URL and BOOKING_URL to where they run"
            )


def done(response: httpx.Response) -> Json:
    """The body. Raises `DemoError` for a refusal."""
    if response.status_code == 401:
        raise DemoError("the services ask for tokens, and demos work only with AUTH_MODE=open")
    if not response.is_success:
        raise DemoError(
            f"{response.request.method} {response.request.url} was answered "
            f"{response.status_code}: {response.text}"
        )
    body: Json = response.json()
    return body


def when_arrived(http: httpx.Client, status_url: str) -> Json:
    """The status of an event, once its message has reached the booking service."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        response = http.get(status_url)
        if response.status_code != 404 or time.monotonic() > deadline:
            return done(response)
        time.sleep(0.05)


def told(name: str, demo: Callable[[], int]) -> int:
    """Runs a demo. What keeps it from going on becomes a line and exit status 1."""
    try:
        return demo()
    except DemoError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except httpx.TransportError as error:
        print(f"{name}: a service stopped answering: {error!r}", file=sys.stderr)
    return 1
