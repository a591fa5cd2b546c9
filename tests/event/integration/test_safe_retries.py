"""`Idempotency-Key` on a new event: sent twice, created once, answered the same."""

import functools
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from rest_framework.request import Request

from event_project.events.models import Event
from shared.idempotency import services
from shared.idempotency.http import idempotent_request
from shared.idempotency.models import IdempotencyRecord
from shared.idempotency.sql import try_advisory_lock
from tests.support.authorization import AskForTokens
from tests.support.broker import Broker
from tests.support.concurrency import Rendezvous, at_once
from tests.support.event.http import (
    EVENTS,
    VALID,
    assert_problem,
    cancel,
    patch,
    post,
    valid,
    without,
)
from tests.support.issuer import secret_token
from tests.support.outbox import stored
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def create(
    client: Client, body: bytes | dict[str, Any] = VALID, *, key: str = KEY, **headers: str
) -> Any:
    return post(client, body, headers={"idempotency-key": key, **headers})


def assert_replay(again: Any, first: Any) -> None:
    """`again` has the same bytes as `first`, and the header that says so."""
    assert first.status_code == again.status_code == 201, (first.content, again.content)
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"] == '"1"'
    assert again.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


class TestARetry:
    def test_gets_the_first_response_again(self, client: Client, broker: Broker) -> None:
        first, *again = [create(client) for _ in range(3)]

        for each in again:
            assert_replay(each, first)
        assert first.json()["id"] == Event.objects.get().pk
        assert len(stored()) == 1

    def test_gets_the_same_first_response_as_without_a_key(self, client: Client) -> None:
        with_key, plain = create(client), post(client, VALID)

        assert list(with_key.json()) == list(plain.json())
        assert set(with_key.headers) == set(plain.headers)

    def test_gets_the_first_response_again_whatever_happened_to_the_event(
        self, client: Client
    ) -> None:
        first = create(client, valid(price=2500.5))
        number = first.json()["id"]
        patch(client, number, {"name": "Another", "price": 1})
        cancel(client, number)

        again = create(client, valid(price=2500.5))

        assert_replay(again, first)
        assert again.json()["cancelled_at"] is None

    @pytest.mark.parametrize(
        "body",
        [
            valid(max_seats=50.0, price=2500.00),
            dict(reversed(VALID.items())),
            valid(booking_start_at="2026-02-20T10:00:00Z"),
            valid(name=f"  {VALID['name']} ", unknown=1),
            json.dumps(VALID, indent=4).encode(),
        ],
        ids=["5.0 is 5", "other order", "other offset", "blanks", "spaces"],
    )
    def test_may_write_the_same_body_differently(
        self, client: Client, body: bytes | dict[str, Any]
    ) -> None:
        first = create(client)

        assert_replay(create(client, body), first)

    def test_may_leave_out_default_values(self, client: Client) -> None:
        first = create(client, without("price", "waitlist_limit"))

        assert_replay(create(client, valid(price=0, waitlist_limit=0)), first)

    @pytest.mark.parametrize(
        "change", [{"max_seats": 51}, {"price": 2500.01}, {"name": "golang Workshop Bangkok"}]
    )
    def test_with_another_body_is_refused(self, client: Client, change: dict[str, Any]) -> None:
        first = create(client)

        other = create(client, valid(**change))

        assert_problem(other, 422, code="idempotency_key_reused")
        assert_replay(create(client), first)
        assert Event.objects.count() == 1

    def test_as_a_page_shows_the_first_response(self, client: Client) -> None:
        create(client)

        page = create(client, accept="text/html")

        assert page.status_code == 201
        assert page.headers["Idempotency-Replayed"] == "true"
        assert VALID["name"].encode() in page.content

    def test_of_a_refused_request_is_decided_again(self, client: Client) -> None:
        bad = valid(booking_end_at=VALID["booking_start_at"])
        for _ in range(2):
            assert_problem(create(client, bad), 400, code="invalid_input")

        first = create(client)

        assert first.status_code == 201
        assert_replay(create(client), first)
        assert IdempotencyRecord.objects.count() == 1

    def test_with_another_key_is_another_event(self, client: Client) -> None:
        assert create(client).json()["id"] != create(client, key="another").json()["id"]

    @pytest.mark.parametrize("key", ["", "a b", "a,b", '"a', "é", "k" * 256])
    def test_with_a_bad_key_is_refused(self, client: Client, key: str) -> None:
        assert_problem(create(client, key=key), 400, code="invalid_idempotency_key")
        assert not Event.objects.exists()

    def test_after_a_crash_before_the_commit_is_the_first(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*arguments: Any) -> None:
            raise RuntimeError("the process ends here")

        with monkeypatch.context() as crashing:
            crashing.setattr("shared.idempotency.store.IdempotencyStore.save", crash)
            assert_problem(create(client), 500)
        assert not Event.objects.exists()
        assert not stored()

        assert "Idempotency-Replayed" not in create(client).headers
        assert Event.objects.count() == 1


def test_the_values_of_arguments_matter_but_not_their_order() -> None:
    def fingerprint(**arguments: Any) -> str:
        request = Request(RequestFactory().post(EVENTS, headers={"idempotency-key": KEY}))
        found = idempotent_request(request, arguments=arguments)
        assert found is not None
        return found.fingerprint

    assert fingerprint(a=1, b=2) == fingerprint(b=2, a=1)
    assert fingerprint(a=1, b=2) != fingerprint(a=2, b=1)


def test_without_a_key_nothing_is_looked_up_or_stored(client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert post(client, VALID).status_code == 201

    assert [query["sql"] for query in captured if "INSERT" in query["sql"]]
    assert not [query["sql"] for query in captured if "idempotency" in query["sql"]]
    assert not IdempotencyRecord.objects.exists()


def test_the_scope_of_a_key_is_the_caller(client: Client, ask_for_tokens: AskForTokens) -> None:
    ask_for_tokens()

    def bearer(subject: str, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {secret_token(sub=subject, **claims)}"}

    root, eve = bearer("root", roles=["admin"]), bearer("eve", roles=["admin"])
    first = create(client, **root)

    other = create(client, **eve)

    assert other.json()["id"] != first.json()["id"]
    assert_replay(create(client, **root), first)
    assert_replay(create(client, **eve), other)
    assert_problem(create(client, **bearer("root")), 403)
    assert_problem(create(client), 401)


class TestManyAtOnce:
    def test_twenty_posts_of_one_key_make_one_event(self, live_server: LiveServer) -> None:
        def send() -> httpx.Response:
            return httpx.post(
                f"{live_server.url}{EVENTS}",
                json=VALID,
                headers={"Idempotency-Key": KEY},
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            )

        answers = at_once([send] * 20)
        last = send()

        created = [answer for answer in answers if getattr(answer, "status_code", 0) == 201]
        busy = [answer for answer in answers if answer not in created]
        assert sum("Idempotency-Replayed" not in answer.headers for answer in created) == 1
        assert {answer.content for answer in created} == {last.content}
        for answer in busy:
            assert_problem(answer, 409, code="idempotency_key_in_use")
        assert last.headers["Idempotency-Replayed"] == "true"
        assert Event.objects.count() == len(stored()) == 1

    def test_the_others_are_told_while_the_first_is_running(self, client: Client) -> None:
        with transaction.atomic():
            assert try_advisory_lock(("anybody", EVENTS, KEY))
            same = in_another_thread(lambda: create(Client()))
            other = in_another_thread(lambda: create(Client(), key="another"))

        assert_problem(same, 409, code="idempotency_key_in_use")
        assert same.headers["Retry-After"] == "1"
        assert other.status_code == 201
        assert create(client).status_code == 201

    def race(self, *, may_meet: bool) -> list[Any]:
        meeting = Rendezvous(2)

        answers = at_once([functools.partial(create, Client())] * 2, around=meeting.before_writing)

        assert meeting.all_met == may_meet
        return sorted(answers, key=lambda answer: answer.status_code)

    def test_two_requests_with_one_key_do_not_both_begin(self) -> None:
        first, other = self.race(may_meet=False)

        assert first.status_code == 201
        assert_problem(other, 409, code="idempotency_key_in_use")
        assert Event.objects.count() == 1

    def test_control_without_the_lock_both_begin_and_the_database_keeps_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "try_advisory_lock", lambda scope: True)

        first, other = self.race(may_meet=True)

        assert first.status_code == 201
        assert_problem(other, 409, code="idempotency_key_in_use")
        assert Event.objects.count() == len(stored()) == 1


def in_another_thread(call: Callable[[], Any]) -> Any:
    """While this thread's transaction stays open."""

    def run() -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(run).result()


def test_after_the_retention_a_key_counts_as_new_and_is_pruned(
    client: Client,
) -> None:
    first = create(client)
    young = create(client, key="young")
    IdempotencyRecord.objects.filter(key=KEY).update(
        created_at=timezone.now() - timedelta(hours=24, seconds=1)
    )

    second = create(client)
    IdempotencyRecord.objects.filter(key=KEY).update(
        created_at=timezone.now() - timedelta(hours=24, seconds=1)
    )
    said = io.StringIO()
    call_command("prune_idempotency_keys", stdout=said)

    assert second.json()["id"] > first.json()["id"]
    assert said.getvalue() == "deleted 1 keys\n"
    assert_replay(create(client, key="young"), young)
