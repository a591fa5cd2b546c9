"""How often a caller may write."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from booking_project.bookings.models import Booking
from shared.limits import throttling
from shared.limits.models import Budget
from shared.limits.rate import parse_rate
from shared.limits.sql import forget_idle, spend
from shared.limits.throttling import WriteThrottle
from tests.support.authorization import AskForTokens, staff
from tests.support.booking.factories import EventFactory, now
from tests.support.booking.manage import manage
from tests.support.booking.problems import assert_problem
from tests.support.issuer import secret_token
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db

THREE = parse_rate("3/hour")
assert THREE is not None


@pytest.fixture
def _limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMIT_WRITES = THREE
    monkeypatch.setattr(APIView, "throttle_classes", [WriteThrottle])


@pytest.fixture
def _behind_a_proxy(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}


def write(browser: Client, headers: Mapping[str, str] | None = None, **extra: Any) -> HttpResponse:
    return browser.post(
        "/api/v1/events/99999/bookings",
        data=json.dumps({"user_id": "ann"}),
        content_type="application/json",
        headers=headers,
        **extra,
    )


def statuses(browser: Client, count: int, **options: Any) -> list[int]:
    return [write(browser, **options).status_code for _ in range(count)]


@pytest.mark.usefixtures("_limited")
class TestTooManyWrites:
    def test_are_refused_with_a_time_to_wait(self, browser: Client) -> None:
        assert statuses(browser, 3) == [404, 404, 404]

        response = write(browser)

        assert_problem(response, 429, code="throttled")
        assert 1 <= int(response["Retry-After"]) <= 1200

    def test_do_nothing(self, browser: Client) -> None:
        event = EventFactory()
        statuses(browser, 3)

        response = browser.post(
            f"/api/v1/events/{event.pk}/bookings",
            data={"user_id": "ann"},
            content_type="application/json",
        )

        assert_problem(response, 429)
        assert not Booking.objects.exists()

    def test_of_one_do_not_count_for_another(self, browser: Client) -> None:
        assert statuses(browser, 4, REMOTE_ADDR="10.0.0.1")[-1] == 429
        assert statuses(browser, 1, REMOTE_ADDR="10.0.0.2") == [404]

    def test_that_were_refused_are_not_counted(self, browser: Client) -> None:
        statuses(browser, 3)
        before = Budget.objects.get().spent_until
        statuses(browser, 5)

        assert Budget.objects.get().spent_until == before

    def test_do_not_prevent_reads(self, browser: Client) -> None:
        statuses(browser, 4)

        path = f"/api/v1/events/{EventFactory().pk}/status"
        assert [browser.get(path).status_code for _ in range(5)] == [200] * 5

    def test_are_allowed_again_after_a_while(self, browser: Client) -> None:
        statuses(browser, 4)
        Budget.objects.update(spent_until=now())

        assert statuses(browser, 4) == [404, 404, 404, 429]


@pytest.mark.usefixtures("_limited")
class TestWhoIsCounted:
    def test_is_the_subject_of_the_token(
        self, browser: Client, ask_for_tokens: AskForTokens
    ) -> None:
        ask_for_tokens()
        ann = {"authorization": f"Bearer {secret_token(sub='ann')}"}
        ben = {"authorization": f"Bearer {secret_token(sub='ben')}"}

        for number in range(4):
            last = write(browser, ann, REMOTE_ADDR=f"10.0.0.{number}")
        assert_problem(last, 429)
        assert_problem(write(browser, ben), 403, code="not_your_user_id")
        assert sorted(Budget.objects.values_list("caller", flat=True)) == ["user ann", "user ben"]

    def test_is_nobody_without_a_token(self, browser: Client, ask_for_tokens: AskForTokens) -> None:
        ask_for_tokens()

        assert statuses(browser, 5) == [401] * 5
        assert not Budget.objects.exists()

    def test_is_the_user_of_a_session(self, client: Client, ask_for_tokens: AskForTokens) -> None:
        ask_for_tokens()
        user = staff("bookings.add_booking")
        client.force_login(user)

        assert statuses(client, 4) == [404, 404, 404, 429]
        assert Budget.objects.get().caller == f"staff {user.pk}"

    def test_is_the_longest_subject_too(
        self, browser: Client, ask_for_tokens: AskForTokens
    ) -> None:
        ask_for_tokens()
        longest = {"authorization": f"Bearer {secret_token(sub='é' * 255)}"}

        assert_problem(write(browser, longest), 403)

    def test_is_the_address_whatever_the_client_says(self, browser: Client) -> None:
        for number in range(4):
            last = write(browser, {"x-forwarded-for": f"1.2.3.{number}"})
        assert_problem(last, 429)
        assert Budget.objects.get().caller == "address 127.0.0.1"

    @pytest.mark.usefixtures("_behind_a_proxy")
    def test_is_the_address_that_the_trusted_proxy_says(self, browser: Client) -> None:
        for number in range(4):
            # What the client made up comes first; the proxy adds what it sees.
            last = write(browser, {"x-forwarded-for": f"1.2.3.{number}, 10.9.9.9"})
        assert_problem(last, 429)
        assert Budget.objects.get().caller == "address 10.9.9.9"

    def test_has_one_budget_for_all_addresses_of_an_ipv6_network(self, browser: Client) -> None:
        for number in range(4):
            last = write(browser, REMOTE_ADDR=f"2001:db8::{number}")
        assert_problem(last, 429)
        assert statuses(browser, 1, REMOTE_ADDR="2001:db8:0:1::1") == [404]

    @pytest.mark.usefixtures("_behind_a_proxy")
    @pytest.mark.parametrize(
        "written",
        ["9.9.9.9:{}", "[2001:db8::1]:{}", "2001:db8::{}", "fe80::1%{}", "::ffff:9.9.9.9"],
    )
    def test_is_the_same_however_a_proxy_writes_the_address(
        self, browser: Client, written: str
    ) -> None:
        for number in range(1, 5):
            last = write(browser, {"x-forwarded-for": written.format(number)})
        assert_problem(last, 429)
        assert Budget.objects.count() == 1

    @pytest.mark.usefixtures("_behind_a_proxy")
    def test_is_not_everybody_whose_ipv4_address_is_written_as_ipv6(self, browser: Client) -> None:
        for number in range(1, 5):
            answer = write(browser, {"x-forwarded-for": f"::ffff:9.9.9.{number}"})
            assert answer.status_code == 404
        assert Budget.objects.count() == 4

    @pytest.mark.usefixtures("_behind_a_proxy")
    def test_is_the_proxy_if_the_text_is_not_an_address(self, browser: Client) -> None:
        for text in ("unknown", "", "x" * 5000, "é", "%00", "1.2.3.4.5", "[x]:1", "9.9.9.9:x"):
            last = write(browser, {"x-forwarded-for": text})
        assert_problem(last, 429)
        assert Budget.objects.get().caller == "address 127.0.0.1"


class TestWritesAtTheSameTime:
    """Threads stand for workers: each has its own connection."""

    CALLERS = 6  # fewer than the pool has connections

    @pytest.mark.django_db(transaction=True)
    def test_are_all_counted(self) -> None:
        def count(_: int) -> bool:
            assert THREE is not None
            together.wait()
            try:
                return spend(caller="ann", rate=THREE) is None
            finally:
                connection.close()

        together = threading.Barrier(self.CALLERS, timeout=PATIENCE_SECONDS)
        with ThreadPoolExecutor(self.CALLERS) as pool:
            assert sum(pool.map(count, range(self.CALLERS))) == 3

    @pytest.mark.django_db(transaction=True)
    def test_are_not_if_they_are_read_first_and_counted_then(self) -> None:
        """The control: what a limit in a plain cache would do."""

        def count(_: int) -> bool:
            try:
                used = Budget.objects.filter(caller__startswith="ann").count()
                together.wait()
                Budget.objects.create(caller=f"ann {threading.get_ident()}", spent_until=now())
                return used < 3
            finally:
                connection.close()

        together = threading.Barrier(self.CALLERS, timeout=PATIENCE_SECONDS)
        with ThreadPoolExecutor(self.CALLERS) as pool:
            assert sum(pool.map(count, range(self.CALLERS))) > 3


class TestHousekeeping:
    def test_deletes_callers_whose_whole_budget_is_available(self) -> None:
        assert THREE is not None
        spend(caller="busy", rate=THREE)
        Budget.objects.create(caller="idle", spent_until=now())

        forget_idle()

        assert [budget.caller for budget in Budget.objects.all()] == ["busy"]

    @pytest.mark.usefixtures("_limited")
    def test_comes_with_a_write_now_and_then(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Budget.objects.create(caller="idle", spent_until=now())
        write(browser)
        assert Budget.objects.filter(caller="idle").exists()

        monkeypatch.setattr(throttling, "FORGET_EVERY_SECONDS", 0)
        write(browser)

        assert not Budget.objects.filter(caller="idle").exists()

    def test_uses_a_table_that_does_not_wait_for_the_disk(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'limits_budget'")
            assert cursor.fetchone() == ("u",)


class TestWithoutALimit:
    def test_nothing_is_read_or_counted(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        assert api_settings.DEFAULT_THROTTLE_CLASSES == []
        assert write(browser).status_code == 404
        assert not Budget.objects.exists()

    @pytest.mark.parametrize(
        ("value", "classes"),
        [(None, []), ("", []), ("none", []), ("100/min", ["WriteThrottle"])],
    )
    def test_the_variable_decides_whether_there_is_one(
        self, value: str | None, classes: list[str]
    ) -> None:
        show = (
            "from rest_framework.views import APIView as view;"
            "print([throttle.__name__ for throttle in view.throttle_classes])"
        )
        run = manage("shell", "--no-imports", "-c", show, RATE_LIMIT_WRITES=value)
        assert run.stdout.strip() == str(classes), run.stderr

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("RATE_LIMIT_WRITES", "many"),
            ("RATE_LIMIT_WRITES", "0/min"),
            ("RATE_LIMIT_WRITES", "5/week"),
            ("TRUSTED_PROXIES", "-1"),
            ("TRUSTED_PROXIES", "all"),
            ("RATE_LIMIT_SEARCHES", "60"),
            ("TRUSTED_SCHEME_HEADER", "X-Forwarded-Proto"),  # and no proxy
            ("TRUSTED_SCHEME_HEADER", "X Proto"),
            ("TRUSTED_ORIGINS", "shop.example"),
            ("TRUSTED_ORIGINS", "https://shop.example/path"),
            ("TRUSTED_ORIGINS", "*"),
            ("HSTS_SECONDS", "-1"),
        ],
    )
    def test_a_bad_variable_is_named_in_one_sentence(self, name: str, value: str) -> None:
        run = manage("check", **{name: value})

        assert run.returncode != 0
        [sentence] = run.stderr.strip().splitlines()
        assert name in sentence
