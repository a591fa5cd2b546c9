"""The waiting room over the API, on a real database."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from booking_project.bookings.domain.turns import DRAWN, EARLY_SECONDS, TURN_SECONDS, Ticket
from booking_project.bookings.models import Booking, Event, WaitingRoom
from booking_project.bookings.services import waiting_room
from booking_project.bookings.services.bookings import booking_create
from booking_project.bookings.services.events import event_sync
from booking_project.bookings.services.waiting_room import line_of
from booking_project.bookings.tickets import token_of
from shared.serving.processor import Processor
from shared.serving.turns import Line
from tests.support.booking.factories import EventFactory, announced, booked, now, users
from tests.support.booking.problems import assert_problem
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

MORE = {"waiting_room", "position"}
SLOW = 1


def post(
    browser: Client, path: str, user_id: str, *, token: str | None = None, **headers: str
) -> HttpResponse:
    if token is not None:
        headers["Waiting-Room-Token"] = token
    return browser.post(
        path,
        data=json.dumps({"user_id": user_id}),
        content_type="application/json",
        headers=headers,
    )


def book(
    browser: Client, event: Event, user_id: str, *, token: str | None = None, **headers: str
) -> HttpResponse:
    return post(browser, f"/api/v1/events/{event.pk}/bookings", user_id, token=token, **headers)


def join(browser: Client, event: Event, user_id: str) -> HttpResponse:
    return post(browser, f"/api/v1/events/{event.pk}/waiting-room", user_id)


def joined(browser: Client, event: Event, user_id: str) -> dict[str, Any]:
    response = join(browser, event, user_id)
    assert response.status_code == 201, response.content
    place: dict[str, Any] = response.json()
    return place


def look(browser: Client, event: Event, token: str) -> HttpResponse:
    return browser.get(
        f"/api/v1/events/{event.pk}/waiting-room", headers={"Waiting-Room-Token": token}
    )


def pass_time(event: Event, *, seconds: float) -> None:
    """As if this much time had passed since the room was last counted."""
    room = WaitingRoom.objects.get(pk=event.pk)
    room.as_of -= timedelta(seconds=seconds)
    room.save()
    waiting_room.forget()


class TestALine:
    def test_the_first_may_book_at_once(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)

        place = joined(browser, event, "ann")

        assert place["state"] == "ready"
        assert place["position"] is None
        assert book(browser, event, "ann", token=place["token"]).status_code == 201

    def test_others_come_in_the_order_of_arrival(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)

        places = [joined(browser, event, user) for user in users(3)]

        assert [place["position"] for place in places[1:]] == [1, 2]
        response = book(browser, event, "user-003", token=places[2]["token"])
        body = assert_problem(response, 429, code="waiting_room", more=MORE)
        assert body["position"] == 2
        assert int(response["Retry-After"]) in (1, 2)

    def test_a_place_moves_up_by_itself(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=10)
        WaitingRoom.objects.create(
            event_id=event.pk,
            rate=10,
            highest_rate=10,
            called=0,
            as_of=now(),
            last_turn=1000,
            early=0,
        )
        place = joined(browser, event, "ann")
        assert 980 < place["position"] <= 1000
        assert 98 <= place["retry_after"] <= 100

        pass_time(event, seconds=50)

        response = look(browser, event, place["token"])
        assert 480 < response.json()["position"] <= 500
        assert response["Retry-After"] == str(response.json()["retry_after"])
        pass_time(event, seconds=60)
        assert look(browser, event, place["token"]).json()["state"] == "ready"
        assert book(browser, event, "ann", token=place["token"]).status_code == 201

    def test_a_new_rate_holds_for_those_in_line(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=1)
        places = [joined(browser, event, user) for user in users(40)]
        assert places[39]["position"] > 30

        event_sync(announced(event, waiting_room_rate=1000))
        waiting_room.forget()
        look(browser, event, places[39]["token"])
        pass_time(event, seconds=1)

        assert look(browser, event, places[39]["token"]).json()["state"] == "ready"

    @pytest.mark.django_db(transaction=True)
    def test_no_two_get_the_same_turn(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)

        tokens = at_once(
            [
                partial(waiting_room.room_enter, event_id=event.pk, user_id=user)
                for user in users(20)
            ]
        )

        assert len(set(tokens)) == 20
        assert WaitingRoom.objects.get().last_turn == 20


class TestBeforeTheOpening:
    def test_a_draw_decides_and_joining_often_does_not_help(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW, booking_start_at=now() + timedelta(minutes=5))
        tokens = {user: joined(browser, event, user)["token"] for user in users(50)}
        again = joined(browser, event, "user-007")
        assert again["state"] == "early"
        assert again["position"] is None
        assert 295 <= again["retry_after"] <= 300

        event_sync(announced(event, booking_start_at=now()))
        waiting_room.forget()

        places = {user: look(browser, event, token).json() for user, token in tokens.items()}
        turns = [places[user]["position"] or 0 for user in users(50)]
        assert turns != sorted(turns)
        assert max(turns) <= 51
        assert look(browser, event, again["token"]).json()["position"] == turns[6] or turns[6] == 0
        assert joined(browser, event, "late")["position"] >= 49

    def test_nobody_joins_long_before_it(self, browser: Client) -> None:
        opens = now() + timedelta(seconds=EARLY_SECONDS + 60)
        event = EventFactory(
            waiting_room_rate=SLOW, booking_start_at=opens, booking_end_at=opens + timedelta(days=1)
        )

        assert_problem(join(browser, event, "ann"), 400, code="booking_not_open")


class TestRefused:
    def test_who_skips_the_line(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)

        response = book(browser, event, "ann")

        body = assert_problem(response, 429, code="waiting_room", more=MORE)
        assert body["waiting_room"] == f"/api/v1/events/{event.pk}/waiting-room"
        assert int(response["Retry-After"]) >= 1
        assert not Booking.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"cancelled_at": now()}, 409, "event_cancelled"),
            ({"booking_end_at": now() - timedelta(minutes=1)}, 400, "booking_not_open"),
            ({"booking_start_at": now() + timedelta(hours=1)}, 400, "booking_not_open"),
        ],
    )
    def test_where_nobody_can_book_that_comes_first(
        self, browser: Client, changes: dict[str, Any], status: int, code: str
    ) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        assert book(browser, event, "ann").status_code == 429
        Event.objects.update(**changes)
        waiting_room._rooms.cache_clear()

        assert_problem(book(browser, event, "ann"), status, code=code)

    def test_who_skips_it_costs_no_query(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        book(browser, event, "ann")

        with django_assert_num_queries(0):
            response = book(browser, event, "ann")

        assert_problem(response, 429, code="waiting_room", more=MORE)

    @pytest.mark.parametrize("token", ["", "x", "W10:x:y", "é", "a" * 2000])
    def test_forged(self, browser: Client, token: str) -> None:
        event = EventFactory(waiting_room_rate=SLOW)

        assert_problem(
            book(browser, event, "ann", token=token), 403, code="invalid_waiting_room_token"
        )
        assert_problem(look(browser, event, token), 403, code="invalid_waiting_room_token")

    def test_tampered_with(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        token = joined(browser, event, "ann")["token"]
        other = token_of(Ticket(event.pk, "ben", 1))

        mixed = other.split(":", 1)[0] + ":" + token.split(":", 1)[1]

        assert_problem(
            book(browser, event, "ben", token=mixed), 403, code="invalid_waiting_room_token"
        )

    def test_of_another_user(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        token = joined(browser, event, "ann")["token"]

        assert_problem(
            book(browser, event, "ben", token=token), 403, code="invalid_waiting_room_token"
        )

    def test_of_another_event(self, browser: Client) -> None:
        event, other = EventFactory.create_batch(2, waiting_room_rate=SLOW)
        token = joined(browser, other, "ann")["token"]

        assert_problem(
            book(browser, event, "ann", token=token), 403, code="invalid_waiting_room_token"
        )

    def test_used_again_it_books_no_second_seat(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        token = joined(browser, event, "ann")["token"]
        assert book(browser, event, "ann", token=token).status_code == 201

        assert_problem(book(browser, event, "ann", token=token), 409, code="already_booked")

    def test_missed(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        token = joined(browser, event, "ann")["token"]

        pass_time(event, seconds=TURN_SECONDS + 2)

        assert_problem(book(browser, event, "ann", token=token), 403, code="turn_missed")
        assert look(browser, event, token).json()["state"] == "missed"
        assert joined(browser, event, "ann")["state"] == "ready"

    def test_missed_but_carried_out_in_time(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        token = joined(browser, event, "ann")["token"]
        key = {"Idempotency-Key": "once"}
        first = book(browser, event, "ann", token=token, **key)

        pass_time(event, seconds=TURN_SECONDS + 2)

        again = book(browser, event, "ann", token=token, **key)
        assert again.status_code == 201
        assert again.json() == first.json()
        other = book(browser, event, "ann", token=token, **{"Idempotency-Key": "other"})
        assert_problem(other, 429, code="waiting_room", more=MORE)

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"cancelled_at": now()}, 409, "event_cancelled"),
            ({"booking_end_at": now() - timedelta(minutes=1)}, 400, "booking_not_open"),
            ({"waiting_room_rate": None}, 409, "no_waiting_room"),
        ],
    )
    def test_joining(
        self, browser: Client, changes: dict[str, Any], status: int, code: str
    ) -> None:
        event = EventFactory(**{"waiting_room_rate": SLOW, **changes})

        assert_problem(join(browser, event, "ann"), status, code=code)

    def test_joining_when_all_is_taken(self, browser: Client) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        booked(event, ["ann"])
        Event.objects.update(waiting_room_rate=SLOW)

        assert_problem(join(browser, event, "ben"), 409, code="fully_booked")

    def test_an_event_that_nobody_knows(self, browser: Client) -> None:
        unknown = EventFactory.build(pk=4711)

        assert_problem(join(browser, unknown, "ann"), 404, code="event_not_found")
        assert_problem(look(browser, unknown, "x"), 404, code="event_not_found")


class TestOff:
    def test_a_token_does_no_harm(self, browser: Client) -> None:
        event = EventFactory()

        assert book(browser, event, "ann", token="x").status_code == 201

    def test_nothing_is_read_about_rooms(
        self, browser: Client, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        event = EventFactory()

        assert book(browser, event, "ann").status_code == 201
        assert not waiting_room._known
        assert line_of("POST", f"/api/v1/events/{event.pk}/bookings", []) is Line.FIRST

    def test_switched_off_everybody_may_book(self, browser: Client) -> None:
        event = EventFactory(waiting_room_rate=SLOW)
        assert book(browser, event, "ann").status_code == 429

        event_sync(announced(event, waiting_room_rate=None))
        waiting_room._rooms.cache_clear()

        assert book(browser, event, "ann").status_code == 201
        assert not waiting_room._known


def test_staff_book_for_guests_without_waiting() -> None:
    event = EventFactory(waiting_room_rate=SLOW)

    booking = booking_create(event_id=event.pk, user_id="ann", actor="desk", skips_line=True).value

    assert booking.pk


class TestTheLinesOfAWorker:
    @pytest.fixture
    def event(self, browser: Client, monkeypatch: pytest.MonkeyPatch) -> Event:
        monkeypatch.setattr(Processor, "is_busy", lambda _: True)
        event: Event = EventFactory(waiting_room_rate=SLOW)
        assert book(browser, event, "ann").status_code == 429
        return event

    def test_whose_turn_it_is_goes_first(self, browser: Client, event: Event) -> None:
        ready = joined(browser, event, "ann")["token"]
        waiting = [joined(browser, event, user)["token"] for user in users(5)][-1]
        path = f"/api/v1/events/{event.pk}/bookings"

        assert line_of("POST", path, [("WAITING-ROOM-TOKEN", ready)]) is Line.FIRST
        assert line_of("POST", path, [("WAITING-ROOM-TOKEN", waiting)]) is Line.SLOW
        assert line_of("POST", path, [("WAITING-ROOM-TOKEN", "forged")]) is Line.SLOW
        assert line_of("POST", path, []) is Line.SLOW
        assert line_of("GET", path, []) is Line.FIRST
        cookie = f"language=en; {waiting_room.cookie_name(event.pk)}={ready}"
        page = f"/events/{event.pk}/book"
        assert line_of("POST", page, [("COOKIE", cookie)]) is Line.FIRST
        assert line_of("POST", page, [("COOKIE", "language=en")]) is Line.SLOW

    def test_the_room_itself_is_later(self, event: Event) -> None:
        for method in ("GET", "POST"):
            for prefix in ("/api/v1", ""):
                path = f"{prefix}/events/{event.pk}/waiting-room"
                assert line_of(method, path, []) is Line.SLOW

    def test_it_is_not_slow_while_nobody_books(self, browser: Client, event: Event) -> None:
        path = f"/api/v1/events/{event.pk}/waiting-room"
        waiting_room._rooms()._kept.update(
            {key: (0.0, room) for key, (_, room) in waiting_room._rooms()._kept.items()}
        )

        joined(browser, event, "ann")

        assert line_of("POST", path, []) is Line.LATER

    def test_it_is_not_slow_while_there_is_time_for_all(
        self, browser: Client, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Processor, "is_busy", lambda _: False)
        waiting_room.forget()

        joined(browser, event, "ann")

        path = f"/api/v1/events/{event.pk}/waiting-room"
        assert line_of("POST", path, []) is Line.LATER

    def test_other_events_and_pages_are_first(self, event: Event) -> None:
        other = event.pk + 1
        assert line_of("POST", f"/api/v1/events/{other}/bookings", []) is Line.FIRST
        assert line_of("GET", f"/api/v1/events/{event.pk}/status", []) is Line.FIRST
        assert line_of("GET", f"/events/{event.pk}", []) is Line.FIRST


def test_a_drawn_ticket_of_another_secret_is_another_draw(settings: Any) -> None:
    from booking_project.bookings.tickets import draw_of

    ticket = Ticket(1, "ann", DRAWN)
    before = draw_of(ticket)
    settings.SECRET_KEY = "another-secret-key-of-more-than-32-characters"
    assert draw_of(ticket) != before
    assert 0 <= draw_of(ticket) < 1
