"""The demos, against everything that `make start` runs."""

import os
import subprocess
import sys
from datetime import datetime
from typing import Any

import httpx
import pytest

from devstack.environment import ROOT
from devstack.season import SEASON
from tests.support.devstack.runs import Devstack
from tests.support.waiting import PATIENCE_SECONDS, until


def demo(name: str, environ: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", f"devstack.{name}", *options],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_SECONDS,
        check=False,
    )


def get(environ: dict[str, str], service: str, path: str) -> httpx.Response:
    url = f"http://127.0.0.1:{environ[f'{service}_PORT']}{path}"
    return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False)


def status(environ: dict[str, str], event_id: int) -> dict[str, Any]:
    found: dict[str, Any] = get(environ, "BOOKING", f"/api/v1/events/{event_id}/status").json()
    return found


def test_the_data_is_there_once_however_often_it_is_made(
    running: Devstack, environ_of_running: dict[str, str]
) -> None:
    environ = environ_of_running
    first, second = (demo("demo_data", environ) for _ in range(2))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.count("created") == len(SEASON)
    assert second.stdout.count("completed") == len(SEASON)
    events = {each["name"]: each for each in get(environ, "EVENT", "/api/v1/events").json()}
    assert len([name for name in events if name in {each.name for each in SEASON}]) == len(SEASON)
    for planned in SEASON:
        event = events[planned.name]
        assert bool(event["cancelled_at"]) == planned.cancelled
        copy = until(
            lambda event=event: (
                (found := status(environ, event["id"]))["cancelled_at"] == event["cancelled_at"]
                and found
            ),
            "the latest copy",
        )
        if not planned.cancelled:
            booked = copy["confirmed_count"] + copy["waitlisted_count"]
            assert booked == min(planned.guests, planned.seats + planned.waitlist)
    sold_out = [each for each in SEASON if each.guests > each.seats and each.starts_in_days > 0]
    assert len(sold_out) == 1
    (soon,) = [each for each in SEASON if each.opens_again]
    opens = datetime.fromisoformat(events[soon.name]["booking_start_at"])
    assert opens > datetime.fromisoformat(events[soon.name]["created_at"])


def test_a_sale_is_watched_and_added_up(
    running: Devstack, environ_of_running: dict[str, str]
) -> None:
    environ = environ_of_running
    sale = demo("demo_sale", environ, "--seconds", "2")

    assert sale.returncode == 0, sale.stdout + sale.stderr
    (address,) = [line.strip() for line in sale.stdout.splitlines() if line.endswith("/live")]
    assert "180 of 180 seats taken" in sale.stdout
    assert "moved up" in sale.stdout
    assert "fully_booked" in sale.stdout
    assert "At the end 180 of 180 seats are taken" in sale.stdout
    page = httpx.get(address, timeout=PATIENCE_SECONDS, trust_env=False)
    assert "Night Market" in page.text

    def recorded() -> list[list[int]]:
        answer = httpx.get(f"{address[:-5]}/sale.json", timeout=PATIENCE_SECONDS, trust_env=False)
        seconds: list[list[int]] = answer.json()["seconds"]
        return seconds if seconds and seconds[-1][2] == 180 else []

    assert until(recorded, "the recorded sale")


@pytest.mark.parametrize("name", ["demo", "demo_data", "demo_sale"])
def test_without_services_there_is_a_line_that_says_what_to_do(name: str) -> None:
    nowhere = {"EVENT_URL": "http://127.0.0.1:9", "BOOKING_URL": "http://127.0.0.1:9"}

    done = demo(name, {**os.environ, **nowhere})

    assert done.returncode == 1
    assert "make start" in done.stderr
    assert "Traceback" not in done.stderr


def test_services_that_ask_for_tokens_are_named_as_the_reason(
    devstack: Devstack, environ: dict[str, str]
) -> None:
    environ |= {
        "AUTH_MODE": "jwt",
        "JWT_ISSUER": "https://issuer.example",
        "JWT_AUDIENCE": "reservations",
        "JWT_SECRET": "only-for-this-test-and-at-least-32-long",
        "DEBUG": "true",
    }
    assert devstack("start").returncode == 0

    for name in ("demo_data", "demo_sale"):
        done = demo(name, environ)
        assert done.returncode == 1
        assert "AUTH_MODE=open" in done.stderr
        assert "Traceback" not in done.stderr
