"""The running services against their own schemas: thousands of requests, right and wrong."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import issuer
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.processes import ROOT
from tests.support.end_to_end.system import OwnProcesses, System, own_system
from tests.support.waiting import PATIENCE_SECONDS

PROGRAM = Path(sys.prefix) / "bin" / "schemathesis"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")
PHASES = os.environ.get("FUZZ_PHASES", "examples,coverage,fuzzing")
TOKENS = {
    "AUTH_MODE": "jwt",
    "JWT_ISSUER": issuer.NAME,
    "JWT_AUDIENCE": issuer.AUDIENCE,
    "JWT_SECRET": issuer.SECRET,
}


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProcesses]:
    with own_system(tmp_path_factory.mktemp("logs")) as system:
        assert system.own is not None
        prepare(system)
        yield system.own


def prepare(system: System) -> None:
    """Makes small ids those of existing events and bookings."""
    sale = Sale(system.event_url, system.booking_url)
    for number in range(3):
        event_id = sale.create_event(max_seats=2, name=f"Event {number}")
        for user in ("ann", "ben", "cid"):
            sale.booked(event_id, user)
    sale.close()


def fuzz(url: str, *arguments: str) -> int:
    """The number of requests sent. Fails if a response doesn't match the schema."""
    command = [
        *(PROGRAM, "--config-file", ROOT / "tests" / "fuzz" / "schemathesis.toml"),
        *("run", f"{url}/api/schema/", "--phases", PHASES, "--max-examples", EXAMPLES),
        *("--continue-on-failure", "--generation-deterministic", "--no-color"),
        *("--suppress-health-check", "too_slow", "--request-timeout", str(PATIENCE_SECONDS)),
        *("--output-truncate", "false", *arguments),
    ]
    answer = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert answer.returncode == 0, answer.stdout[-20_000:] + answer.stderr[-2_000:]
    counts = re.search(r"(\d+) generated", answer.stdout)
    assert counts is not None, answer.stdout
    return int(counts[1])


@pytest.mark.parametrize("service", ["event", "booking"])
def test_an_open_service_answers_as_its_schema_says(own: OwnProcesses, service: str) -> None:
    url = own.url_of(own.event if service == "event" else own.booking)

    # Nobody asks for tokens here.
    open_mode = (
        "--exclude-checks",
        "ignored_auth",
        "--generation-with-security-parameters",
        "false",
    )
    assert fuzz(url, *open_mode) > 100


@pytest.mark.parametrize("service", ["event", "booking"])
@pytest.mark.parametrize("roles", [["admin"], []], ids=["admin", "user"])
def test_a_service_that_asks_for_tokens_answers_as_its_schema_says(
    own: OwnProcesses, service: str, roles: list[str]
) -> None:
    name = f"{service}-{'admin' if roles else 'user'}"
    bearer = f"Authorization: Bearer {issuer.secret_token(roles=roles, exp=4102444800)}"

    with own.another_service(service, name, **TOKENS) as url:
        # To who may not write, every other method is 403 before it is 405.
        unchecked = [] if roles else ["--exclude-checks", "unsupported_method"]
        assert fuzz(url, "--header", bearer, *unchecked) > 100
