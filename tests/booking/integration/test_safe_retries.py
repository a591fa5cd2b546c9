"""`Idempotency-Key` on a booking: sent twice, booked once, answered the same."""

import functools
import http.client
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.live_server_helper import LiveServer

from booking_project.bookings.api.errors import STATUSES
from booking_project.bookings.domain.commands import Command, CreateBooking
from booking_project.bookings.models import Booking, BookingStatus, Event
from booking_project.bookings.representation import BOOKING_CODEC, represent_booking
from booking_project.bookings.services import bookings
from booking_project.bookings.services.bookings import (
    booking_cancel,
    booking_create,
    decide_event,
    decide_free,
    decide_without_lock,
)
from booking_project.bookings.services.events import event_sync
from shared.formats.json import dump_json
from shared.idempotency import services as idempotency
from shared.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from shared.idempotency.models import IdempotencyRecord
from shared.idempotency.requests import IdempotentRequest, Result
from shared.idempotency.store import IdempotencyStore
from tests.support.authorization import AskForTokens
from tests.support.booking.commands import to_book, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked, now, users
from tests.support.booking.held_rows import (
    database_patience,
    held,
    in_background,
    waiting_for_a_row,
)
from tests.support.booking.locks import leave_out_the_lock
from tests.support.booking.on_a_cluster import GROUPINGS, on_one_server
from tests.support.booking.problems import assert_problem
from tests.support.booking.soundness import Tally, tally, unsound
from tests.support.concurrency import Rendezvous, at_once
from tests.support.issuer import secret_token
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def path(event: Event) -> str:
    return f"/api/v1/events/{event.pk}/bookings"


def book(
    browser: Client, event: Event, user: str = "ann", *, key: str | None = KEY, **headers: str
) -> HttpResponse:
    return send(browser, event, json.dumps({"user_id": user}), key=key, **headers)


def send(
    browser: Client, event: Event, body: str, *, key: str | None = KEY, **headers: str
) -> HttpResponse:
    if key is not None:
        headers["idempotency-key"] = key
    return browser.post(path(event), body, content_type="application/json", headers=headers)


def assert_replay(again: HttpResponse, first: HttpResponse) -> None:
    """`again` has the same bytes as `first`, and the header that says so."""
    assert first.status_code == again.status_code == 201, (first.content, again.content)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"] == "application/json"
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def keyed(event: Event, user: str = "ann", *, key: str = KEY) -> IdempotentRequest:
    return IdempotentRequest(caller="anybody", path=path(event), key=key, fingerprint=f"of {user}")


def booking_once(
    event: Event, user: str = "ann", *, key: str = KEY
) -> Callable[[], Result[Booking]]:
    return functools.partial(
        booking_create, event_id=event.pk, user_id=user, request=keyed(event, user, key=key)
    )


def request(event: Event, user: str = "ann", *, key: str = KEY) -> CreateBooking:
    return to_book(event.pk, user, keyed(event, user, key=key))


def bodies(results: Iterable[Any]) -> list[dict[str, Any]]:
    """The bodies as callers get them."""
    return [json.loads(dump_json(represent_booking(result.value))) for result in results]


def results_of(event: Event, commands: Sequence[Command]) -> list[Any]:
    return [decision.result for decision in decide_event(event.pk, commands)]


def grow_old(**age: float) -> None:
    IdempotencyRecord.objects.update(created_at=now() - timedelta(**age))


def statements_about_keys(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured if "idempotency" in query["sql"]]


class TestARetry:
    def test_gets_the_first_response_again(self, browser: Client) -> None:
        event = EventFactory()

        first, *again = [book(browser, event) for _ in range(3)]

        for each in again:
            assert_replay(each, first)
        assert first.json()["id"] == Booking.objects.get().pk
        assert tally(event.pk) == Tally(confirmed=1, waitlisted=0, cancelled=0)
        assert unsound(event.pk) == []

    def test_of_a_place_in_line_gets_the_first_response_again(self, browser: Client) -> None:
        event = EventFactory(max_seats=1)
        booked(event, ["ben"])

        first = book(browser, event)
        again = book(browser, event)

        assert first.json()["waitlist_order"] == 1
        assert_replay(again, first)
        assert tally(event.pk) == Tally(confirmed=1, waitlisted=1, cancelled=0)

    def test_gets_the_first_response_again_after_the_booking_was_cancelled(
        self, browser: Client
    ) -> None:
        event = EventFactory()
        first = book(browser, event)
        booking_cancel(booking_id=first.json()["id"])

        again = book(browser, event)

        assert_replay(again, first)
        assert again.json()["status"] == "confirmed"
        assert tally(event.pk) == Tally(confirmed=0, waitlisted=0, cancelled=1)

    def test_gets_the_first_response_again_after_a_promotion(self, browser: Client) -> None:
        event = EventFactory(max_seats=1)
        [ben] = booked(event, ["ben"])
        first = book(browser, event)
        booking_cancel(booking_id=ben.pk)

        again = book(browser, event)

        assert_replay(again, first)
        assert again.json()["status"] == "waitlisted"
        assert Booking.objects.get(user_id="ann").status == BookingStatus.CONFIRMED

    @pytest.mark.parametrize(
        "change",
        [{"booking_end_at": now() - timedelta(minutes=1)}, {"cancelled_at": now()}],
        ids=["over", "cancelled"],
    )
    def test_gets_the_first_response_again_whatever_happened_to_the_event(
        self, browser: Client, change: dict[str, Any]
    ) -> None:
        event = EventFactory()
        first = book(browser, event)
        event_sync(announced(Event.objects.get(), **change))

        assert_replay(book(browser, event), first)
        assert book(browser, event, "ben", key="another").status_code in (400, 409)

    def test_gets_the_first_response_again_if_it_took_the_last_seat(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        first = book(browser, event)
        # Makes the common queue look for refusals before it locks.
        assert_problem(book(browser, event, "ben", key=None), 409, code="fully_booked")

        assert_replay(book(browser, event), first)

    def test_does_not_wait_for_a_locked_row(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event)

        with held(event):
            again = book(browser, event)

        assert_replay(again, first)

    @pytest.mark.parametrize(
        "body",
        [
            '{"user_id":"ann"}',
            '  { "user_id" : "\\u0061nn" }\n',
            '{"note": 1, "user_id": " ann "}',
            '{"user_id": "ann", "note": 2}',
        ],
    )
    def test_may_write_its_body_differently(self, browser: Client, body: str) -> None:
        event = EventFactory()
        first = book(browser, event)

        assert_replay(send(browser, event, body), first)

    def test_is_not_refused_by_the_check_without_the_lock(self) -> None:
        """That check may find the result of the first attempt, committed in the meantime."""
        event = EventFactory(max_seats=1, waitlist_limit=0)
        booked(event, ["ann"])

        without, with_key = to_book(event.pk, "ann"), request(event)
        [(refused, refusal)] = decide_without_lock([without, with_key])

        assert refused is without
        assert getattr(refusal, "code", None) == "already_booked"

    def test_may_write_its_key_in_quotes(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event, key="abc")

        assert_replay(book(browser, event, key='"abc"'), first)

    def test_with_another_body_is_refused(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event)

        assert_problem(book(browser, event, "ben"), 422, code="idempotency_key_reused")
        assert_replay(book(browser, event), first)
        assert Booking.objects.count() == 1

    def test_with_an_invalid_body_is_refused_for_that(self, browser: Client) -> None:
        event = EventFactory()
        book(browser, event)

        assert_problem(send(browser, event, "{}"), 400, code="invalid_input")
        assert_problem(send(browser, event, "{"), 400, code="parse_error")

    def test_as_a_page_shows_the_first_response(self, browser: Client) -> None:
        event = EventFactory()
        book(browser, event)

        page = book(browser, event, accept="text/html")

        assert page.status_code == 201
        assert page["Idempotency-Replayed"] == "true"
        assert b"ann" in page.content


class TestARefusal:
    def test_is_not_kept(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        [ben] = booked(event, ["ben"])

        refused = [book(browser, event) for _ in range(2)]
        booking_cancel(booking_id=ben.pk)
        first = book(browser, event)

        for each in refused:
            assert_problem(each, 409, code="fully_booked")
        assert first.status_code == 201
        assert_replay(book(browser, event), first)
        assert IdempotencyRecord.objects.count() == 1

    @pytest.mark.parametrize(
        ("columns", "status", "code"),
        [
            ({"over": True}, 400, "booking_not_open"),
            ({"cancelled_at": now()}, 409, "event_cancelled"),
            ({"waitlist_limit": 0, "max_seats": 1, "confirmed_count": 1}, 409, "fully_booked"),
        ],
    )
    def test_is_the_same_as_without_a_key(
        self, browser: Client, columns: dict[str, Any], status: int, code: str
    ) -> None:
        event = EventFactory(**columns)

        for key in (KEY, None):
            assert_problem(book(browser, event, key=key), status, code=code)
        assert not IdempotencyRecord.objects.exists()

    def test_of_an_unknown_event_is_not_found(self, browser: Client) -> None:
        for number in (77, 10**30):
            assert_problem(book(browser, Event(pk=number)), 404, code="event_not_found")

    def test_of_a_user_with_a_booking_of_another_key_stays_a_conflict(
        self, browser: Client
    ) -> None:
        event = EventFactory()
        book(browser, event)

        for key in ("another", None):
            assert_problem(book(browser, event, key=key), 409, code="already_booked")

    def test_because_of_a_locked_row_leaves_the_key_unused(self, browser: Client) -> None:
        event = EventFactory()
        with database_patience(lock_seconds=BRIEF_SECONDS), held(event):
            assert_problem(book(browser, event), 503, code="try_again_later")

        first = book(browser, event)

        assert first.status_code == 201
        assert "Idempotency-Replayed" not in first


class TestABadKey:
    @pytest.mark.parametrize("key", ["", " ", "a b", "a,b", '"a', "é", "k" * 256])
    def test_is_refused(self, browser: Client, key: str) -> None:
        event = EventFactory()

        assert_problem(book(browser, event, key=key), 400, code="invalid_idempotency_key")
        assert not Booking.objects.exists()

    def test_results_from_two_headers(self, live_server: LiveServer) -> None:
        event = EventFactory()
        for keys in (["a", "b"], ["a", "a"], ['"a"', '"a"'], ["", "a"]):
            server = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port)
            body = b'{"user_id": "ann"}'
            server.putrequest("POST", path(event))
            server.putheader("Content-Type", "application/json")
            server.putheader("Content-Length", str(len(body)))
            for key in keys:
                server.putheader("Idempotency-Key", key)
            server.endheaders(body)
            answer = server.getresponse()
            assert answer.status == 400
            assert json.loads(answer.read())["code"] == "invalid_idempotency_key"
            server.close()
        assert not Booking.objects.exists()


class TestTheScopeOfAKey:
    @pytest.fixture(autouse=True)
    def _asks_for_tokens(self, ask_for_tokens: AskForTokens) -> None:
        ask_for_tokens()

    def bearer(self, subject: str, **claims: Any) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret_token(sub=subject, **claims)}"}

    def test_is_the_path(self, browser: Client) -> None:
        ann = self.bearer("ann")
        one, other = EventFactory.create_batch(2)

        answers = [book(browser, event, **ann) for event in (one, other)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert [answer.json()["event_id"] for answer in answers] == [one.pk, other.pk]
        for event, first in zip((one, other), answers, strict=True):
            assert_replay(book(browser, event, **ann), first)

    def test_is_the_caller(self, browser: Client) -> None:
        event = EventFactory()
        anns = send(browser, event, "{}", **self.bearer("ann"))

        bens = send(browser, event, "{}", **self.bearer("ben"))

        assert bens.status_code == 201
        assert bens.json()["user_id"] == "ben"
        assert "Idempotency-Replayed" not in bens
        assert_replay(send(browser, event, "{}", **self.bearer("ann")), anns)
        assert_replay(send(browser, event, "{}", **self.bearer("ben")), bens)

    def test_is_the_subject_and_not_the_token(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event, **self.bearer("ann", jti="one"))

        assert_replay(book(browser, event, **self.bearer("ann", jti="two")), first)

    def test_is_the_same_with_and_without_ones_own_user_id(self, browser: Client) -> None:
        event = EventFactory()
        first = send(browser, event, "{}", **self.bearer("ann"))

        assert_replay(book(browser, event, "ann", **self.bearer("ann")), first)

    def test_shows_nobody_somebody_elses_booking(self, browser: Client) -> None:
        event = EventFactory()
        book(browser, event, **self.bearer("ann"))

        assert_problem(book(browser, event), 401)
        other = book(browser, event, **self.bearer("ben"))
        assert_problem(other, 403, code="not_your_user_id")
        admin = book(browser, event, **self.bearer("root", roles=["admin"]))
        assert_problem(admin, 409, code="already_booked")

    def test_shows_nothing_to_a_former_admin(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event, **self.bearer("root", roles=["admin"]))

        assert first.status_code == 201
        assert_problem(book(browser, event, **self.bearer("root")), 403, code="not_your_user_id")

    def test_is_not_a_user_name(self, client: Client, admin_user: Any) -> None:
        """A session of the Django admin is not the user whose subject is that person's number."""
        event = EventFactory()
        client.force_login(admin_user)
        book(client, event, "ann")
        client.logout()

        other = book(client, event, str(admin_user.pk), **self.bearer(str(admin_user.pk)))

        assert other.status_code == 201
        assert other.json()["user_id"] == str(admin_user.pk)


class TestWithoutAKey:
    def test_nothing_is_looked_up_or_stored(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)

        with CaptureQueriesContext(connection) as captured:
            for user in ("ann", "ben"):
                book(browser, event, user, key=None)

        assert captured.captured_queries
        assert statements_about_keys(captured) == []
        assert not IdempotencyRecord.objects.exists()

    def test_a_second_booking_stays_a_conflict(self, browser: Client) -> None:
        event = EventFactory()
        book(browser, event)

        assert_problem(book(browser, event, key=None), 409, code="already_booked")


class TestInAGroup:
    def test_two_with_one_key_get_one_booking(self) -> None:
        event = EventFactory()

        outcomes = results_of(event, [request(event), request(event)])

        first, again = bodies(outcomes)
        assert first == again
        assert first["id"] == Booking.objects.get().pk
        assert [outcome.replayed for outcome in outcomes] == [False, True]

    def test_two_with_one_key_and_different_bodies_do_not_share_a_result(self) -> None:
        event = EventFactory()

        first, other = results_of(event, [request(event), request(event, "ben")])

        assert isinstance(first, Result)
        assert isinstance(other, IdempotencyKeyReused)
        assert Booking.objects.get().user_id == "ann"

    def test_the_second_is_decided_if_the_first_was_refused(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        [ben] = booked(event, ["ben"])

        refused, _, let_in = results_of(
            event, [request(event), to_cancel(event.pk, ben.pk), request(event)]
        )

        assert getattr(refused, "code", None) == "fully_booked"
        assert isinstance(let_in, Result)
        assert not let_in.replayed

    @on_one_server
    def test_of_several_events_each_has_its_own_answers(self) -> None:
        events = EventFactory.create_batch(3)
        requests = [request(event) for event in events]

        first = [decision.result for decision in decide_free(requests)]
        again = [decision.result for decision in decide_free(requests)]

        assert [body["event_id"] for body in bodies(first)] == [event.pk for event in events]
        assert bodies(again) == bodies(first)
        assert Booking.objects.count() == 3

    def test_keys_cost_two_statements_however_many_there_are(self) -> None:
        event = EventFactory()
        requests = [request(event, user, key=f"key of {user}") for user in users(30)]

        with CaptureQueriesContext(connection) as captured:
            decide_event(event.pk, [*requests, to_book(event.pk, "without")])

        assert len(statements_about_keys(captured)) == 2
        assert IdempotencyRecord.objects.count() == 30
        assert Booking.objects.count() == 31

    def test_the_stored_result_is_the_one_answered_if_the_group_changed_it(self) -> None:
        """The row has the final status, and so has the response."""
        event = EventFactory(max_seats=1)
        [ben] = booked(event, ["ben"])

        outcome, _ = results_of(event, [request(event), to_cancel(event.pk, ben.pk)])

        [answered] = bodies([outcome])
        assert answered["status"] == Booking.objects.get(user_id="ann").status
        assert json.loads(IdempotencyRecord.objects.get().response) == answered

    def test_one_at_fault_fails_alone(self) -> None:
        event = EventFactory()
        good = [booking_once(event, user, key=f"key of {user}") for user in users(4)]
        bad = booking_once(event, "x" * 256, key="bad")

        with held(event) as let_go, in_background(good[0]):
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            with in_background(lambda: at_once([*good, bad])) as all_:
                until(lambda: len(queued(event)) == 5, "five behind it")
                let_go()

        [[*outcomes, fault]] = all_
        assert [body["user_id"] for body in bodies(outcomes)] == users(4)
        assert isinstance(fault, DatabaseError)
        assert Booking.objects.count() == 4
        assert IdempotencyRecord.objects.count() == 4
        assert unsound(event.pk) == []


def queued(event: Event) -> list[Any]:
    """The commands that wait behind the current batch."""
    queue = bookings._admission()._by_event.get(event.pk)
    return [] if queue is None else list(queue.batcher._queue)


class TestManyAtOnce:
    def test_twenty_posts_of_one_key_make_one_booking(self, live_server: LiveServer) -> None:
        event = EventFactory()

        def post() -> httpx.Response:
            return httpx.post(
                f"{live_server.url}{path(event)}",
                json={"user_id": "ann"},
                headers={"Idempotency-Key": KEY},
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            )

        answers = at_once([post] * 20)

        assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * 20
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
        assert answers[0].json()["id"] == Booking.objects.get().pk
        assert unsound(event.pk) == []

    @pytest.mark.parametrize("grouping", GROUPINGS)
    def test_a_retry_that_waits_behind_its_first_attempt_gets_the_same_response(
        self, settings: Any, grouping: str
    ) -> None:
        settings.ADMISSION_GROUPING = grouping
        event = EventFactory(max_seats=1, waitlist_limit=0)
        once = booking_once(event)

        with held(event) as let_go, in_background(once) as first:
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            with in_background(lambda: at_once([once] * 5)) as others:
                until(lambda: len(queued(event)) == 5, "five behind it")
                let_go()

        [replies] = others
        assert {body["id"] for body in bodies([*first, *replies])} == {Booking.objects.get().pk}
        assert [reply.replayed for reply in [*first, *replies]] == [False] + [True] * 5

    def test_many_users_with_a_key_each_and_every_request_sent_twice(self) -> None:
        event = EventFactory(max_seats=10, waitlist_limit=5)
        twice = [*users(20), *users(20)]
        calls = [booking_once(event, user, key=f"key of {user}") for user in twice]

        outcomes = at_once(calls)

        replies = [outcome for outcome in outcomes if isinstance(outcome, Result)]
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Result)]
        assert Counter(reply.replayed for reply in replies) == {False: 15, True: 15}
        assert len({body["id"] for body in bodies(replies)}) == 15
        assert {getattr(refusal, "code", refusal) for refusal in refused} == {"fully_booked"}
        assert len(refused) == 10
        assert unsound(event.pk) == []

    def race(self, event: Event, *, may_meet: bool) -> list[Any]:
        meeting = Rendezvous(2)
        admit = functools.partial(results_of, event, [request(event)])

        outcomes = at_once([admit, admit], around=meeting.before_writing)

        assert meeting.all_met == may_meet
        return outcomes

    def test_two_requests_with_one_key_meet_at_the_row(self) -> None:
        event = EventFactory()

        [[one], [other]] = self.race(event, may_meet=False)

        assert bodies([one]) == bodies([other])
        assert sorted([one.replayed, other.replayed]) == [False, True]
        assert Booking.objects.count() == 1

    def test_control_without_the_lock_neither_finds_the_others_result(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory()
        leave_out_the_lock(monkeypatch)

        outcomes = self.race(event, may_meet=True)

        assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1

    def test_the_database_keeps_one_result_even_without_the_lock(self) -> None:
        event = EventFactory()
        ann = keyed(event)

        @transaction.atomic
        def book_beside_somebody_else() -> None:
            store = IdempotencyStore([ann], BOOKING_CODEC)
            store.run(ann, lambda: booked(event, ["ann"])[0])
            IdempotencyRecord.objects.create(
                caller=ann.caller, path=ann.path, key=ann.key, fingerprint="f", response="{}"
            )
            store.save()

        with pytest.raises(IdempotencyKeyInUse):
            book_beside_somebody_else()

        assert not Booking.objects.exists()

    def test_a_connection_lost_after_the_commit_loses_no_result(self, browser: Client) -> None:
        """The client gets an error, but its booking exists."""
        event = EventFactory()
        lost = False

        def lose_it(execute: Any, sql: str, *arguments: Any) -> Any:
            nonlocal lost
            result = execute(sql, *arguments)
            if not lost and "INSERT INTO idempotency" in sql:
                lost = True
                connection.connection.commit()
                connection.connection.close()
            return result

        with connection.execute_wrapper(lose_it):
            failed = book(browser, event)
        connection.close()
        again = book(browser, event)

        assert_problem(failed, 503, code="try_again_later")
        assert again.status_code == 201
        assert again["Idempotency-Replayed"] == "true"
        assert again.json()["id"] == Booking.objects.get().pk


class TestAfterTheRetention:
    def test_a_key_counts_as_new(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event)
        grow_old(hours=24, seconds=1)

        assert_problem(book(browser, event), 409, code="already_booked")
        booking_cancel(booking_id=first.json()["id"])
        second = book(browser, event)

        assert second.status_code == 201
        assert second.json()["id"] > first.json()["id"]
        assert "Idempotency-Replayed" not in second
        assert_replay(book(browser, event), second)
        assert IdempotencyRecord.objects.count() == 1

    def test_a_key_may_come_with_another_body(self, browser: Client) -> None:
        event = EventFactory()
        book(browser, event)
        grow_old(hours=24, seconds=1)

        assert book(browser, event, "ben").json()["user_id"] == "ben"

    def test_just_before_its_end_a_key_is_still_known(self, browser: Client) -> None:
        event = EventFactory()
        first = book(browser, event)
        grow_old(hours=23, minutes=55)

        assert_replay(book(browser, event), first)

    def test_the_setting_says_how_long_that_is(self, browser: Client, settings: Any) -> None:
        event = EventFactory()
        first = book(browser, event)
        grow_old(hours=24, seconds=1)
        settings.IDEMPOTENCY_RETENTION = timedelta(days=2)

        assert_replay(book(browser, event), first)

    def test_pruning_deletes_only_what_is_too_old(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(idempotency, "PRUNE_BATCH", 2)
        event = EventFactory()
        for user in users(5):
            book(browser, event, user, key=user)
        grow_old(hours=24, seconds=1)
        first = book(browser, event, "young", key="young")
        said = io.StringIO()

        call_command("prune_idempotency_keys", stdout=said)
        call_command("prune_idempotency_keys", stdout=said)

        assert said.getvalue() == "deleted 5 keys\ndeleted 0 keys\n"
        assert IdempotencyRecord.objects.get().key == "young"
        assert_replay(book(browser, event, "young", key="young"), first)
        assert Booking.objects.count() == 6


def test_a_lost_connection_while_the_key_is_looked_up_is_a_try_again(browser: Client) -> None:
    event = EventFactory()

    def lose_it(execute: Any, sql: str, *arguments: Any) -> Any:
        if "idempotency" in sql:
            connection.connection.close()
        return execute(sql, *arguments)

    with connection.execute_wrapper(lose_it):
        failed = book(browser, event)
    connection.close()

    assert_problem(failed, 503, code="try_again_later")
    assert book(browser, event).status_code == 201


def test_all_refusals_of_keys_have_a_status() -> None:
    assert STATUSES[IdempotencyKeyReused] == 422
    assert STATUSES[IdempotencyKeyInUse] == 409
