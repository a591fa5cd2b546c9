"""Logins: they delay no other requests, and guessing is limited."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from tests.support.end_to_end.clients import EVENTS
from tests.support.end_to_end.people import LOGIN_PATH, PASSWORD, Person, create_superuser
from tests.support.end_to_end.processes import ROOT
from tests.support.end_to_end.system import OwnProcesses, System

# A hash that takes seconds on any machine, so that there is time to see what happens during it.
SLOW_ITERATIONS = 10_000_000
MOST_WAITING = 8
FAILURES_OF_ACCOUNT_AND_NETWORK = 5
FAILURES_OF_NETWORK = 20
FAILURES_OF_ACCOUNT = 100
_networks = itertools.count(1)


def some_network() -> str:
    number = next(_networks)
    return f"10.{number >> 8}.{number & 255}.1"


@dataclass(frozen=True)
class Service:
    """One process of a service behind a proxy that names the client, with its own database."""

    name: str
    url: str
    environ: dict[str, str]

    def person(self, network: str = "") -> Person:
        return Person(self.url, X_Forwarded_For=network or some_network())

    def execute(self, statement: str, *values: object) -> None:
        url = self.environ[f"{self.name.upper()}_DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(statement.encode(), values)

    def fail(self, *, names: Sequence[str], networks: Sequence[str]) -> None:
        """Records wrong passwords as if they had been sent: each name with its network."""
        for name, network in zip(names, networks, strict=True):
            self.execute(
                "INSERT INTO axes_accessattempt (username, ip_address, user_agent, http_accept,"
                " path_info, attempt_time, get_data, post_data, failures_since_start)"
                " VALUES (%s, %s, '', '', '/', now(), '', '', 1)",
                name,
                network,
            )

    def manage(self, *arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, f"manage_{self.name}.py", *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="module", params=["event", "booking"])
def service(request: pytest.FixtureRequest, system: System) -> Iterator[Service]:
    own = system.own
    if own is None:
        pytest.skip("needs services of its own")
    name: str = request.param
    options = {f"{name.upper()}_WORKERS": "1", "TRUSTED_PROXIES": "1"}
    create_superuser(name, own.environ, "admin")
    with own.another_service(name, f"{name}-logins", **options) as url:
        yield Service(name, url, {**own.environ, **options})


@pytest.fixture
def slow_account(service: Service) -> Iterator[str]:
    """The iterations of the stored hash say how much work the next one is."""
    service.execute(
        "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name,"
        " last_name, email, date_joined) VALUES ('slow', %s, true, true, true, '', '', '', now())",
        f"pbkdf2_sha256${SLOW_ITERATIONS}$salt$aGFzaA==",
    )
    yield "slow"
    service.execute("DELETE FROM auth_user WHERE username = 'slow'")


def test_other_requests_are_answered_while_a_password_is_hashed(
    service: Service, slow_account: str
) -> None:
    person = service.person()
    page = person.get(LOGIN_PATH)

    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(person.send_login, page, slow_account, "wrong")
        answered = 0
        with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as client:
            while not login.done():
                assert client.get("/health").status_code == 200
                answered += not login.done()
                time.sleep(0.05)

    assert login.result().status_code == 200
    # If a hash blocked the loop, one or two requests would get through before it, none during it.
    assert answered >= 10


def test_too_many_waiting_logins_are_told_to_come_back(service: Service, slow_account: str) -> None:
    people = [service.person() for _ in range(MOST_WAITING + 3)]
    pages = [person.get(LOGIN_PATH) for person in people]

    with ThreadPoolExecutor(len(people)) as pool:
        logins: list[Future[httpx.Response]] = [
            pool.submit(person.send_login, page, slow_account, "wrong")
            for person, page in zip(people, pages, strict=True)
        ]
        answers = [login.result() for login in logins]

    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 2
    for answer in refused:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "busy" in answer.text
    assert [answer.status_code for answer in answers if answer not in refused].count(200) >= 1


def test_the_right_password_lets_in(service: Service) -> None:
    person = service.person()

    assert person.log_in("admin", PASSWORD).status_code == 302
    assert person.get("/admin/").status_code == 200


def test_guessing_from_one_network_is_stopped_with_a_reason(service: Service) -> None:
    network = some_network()
    statuses = [
        service.person(network).log_in("admin", f"guess-{number}").status_code
        for number in range(FAILURES_OF_ACCOUNT_AND_NETWORK)
    ]
    assert statuses == [200] * (FAILURES_OF_ACCOUNT_AND_NETWORK - 1) + [429]

    answer = service.person(network).log_in("admin", PASSWORD)

    assert answer.status_code == 429, "even the right one is not tried"
    assert "Too many wrong passwords" in answer.text
    assert "15 minutes" in answer.text
    assert int(answer.headers["Retry-After"]) == 15 * 60
    assert "Content-Security-Policy" in answer.headers


def test_a_locked_out_network_affects_no_other_network_and_no_other_page(service: Service) -> None:
    network = some_network()
    for number in range(FAILURES_OF_ACCOUNT_AND_NETWORK):
        service.person(network).log_in("admin", f"guess-{number}")

    assert service.person().log_in("admin", PASSWORD).status_code == 302
    api = httpx.get(
        f"{service.url}{EVENTS}/1/status" if service.name == "booking" else service.url + EVENTS,
        headers={"X-Forwarded-For": network},
        trust_env=False,
    )
    assert api.status_code in (200, 404)
    assert service.person(network).get(LOGIN_PATH).status_code == 200


def test_a_client_cannot_choose_its_network(service: Service) -> None:
    network = some_network()
    for number in range(FAILURES_OF_ACCOUNT_AND_NETWORK):
        # The proxy appends the address that it sees to the header of the client.
        last = service.person(f"1.2.3.{number}, {network}:{40000 + number}").log_in(
            "admin", "guess"
        )

    assert last.status_code == 429


def test_guessing_many_names_from_one_network_is_stopped(service: Service) -> None:
    network, others = some_network(), FAILURES_OF_NETWORK - 1
    names = [f"nobody-{number}" for number in range(others)]
    service.fail(names=names, networks=[network] * others)

    assert service.person(network).log_in("somebody", "guess").status_code == 429
    assert service.person(network).log_in("admin", PASSWORD).status_code == 429


def test_a_login_of_ones_own_allows_no_more_guesses(service: Service) -> None:
    network, others = some_network(), FAILURES_OF_NETWORK - 1
    names = [f"victim-{number}" for number in range(others)]
    service.fail(names=names, networks=[network] * others)
    assert service.person(network).log_in("admin", PASSWORD).status_code == 302

    assert service.person(network).log_in("victim", "guess").status_code == 429


def test_guessing_one_account_from_many_networks_is_stopped(service: Service) -> None:
    create_superuser(service.name, service.environ, "victim")
    networks = [some_network() for _ in range(FAILURES_OF_ACCOUNT - 1)]
    service.fail(names=["victim"] * len(networks), networks=networks)

    assert service.person().log_in("victim", "guess").status_code == 429
    assert service.person().log_in("victim", PASSWORD).status_code == 429
    assert service.person().log_in("admin", PASSWORD).status_code == 302


def test_an_operator_can_unlock(service: Service) -> None:
    network = some_network()
    for number in range(FAILURES_OF_ACCOUNT_AND_NETWORK):
        service.person(network).log_in("admin", f"guess-{number}")
    assert service.person(network).log_in("admin", PASSWORD).status_code == 429
    assert network in service.manage("axes_list_attempts")

    service.manage("axes_reset_ip", network)

    assert service.person(network).log_in("admin", PASSWORD).status_code == 302


def test_without_the_database_the_page_says_to_come_back(own: OwnProcesses) -> None:
    away = os.environ["BOOKING_DATABASE_URL"].rpartition("/")[0] + "/gone"
    with own.another_service("booking", "booking-away", BOOKING_DATABASE_URL=away) as url:
        person = Person(url)
        page = person.get(LOGIN_PATH)
        answer = person.send_login(page, "admin", PASSWORD)

    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"].startswith("text/html")
