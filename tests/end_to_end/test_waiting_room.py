"""A waiting room over real processes: several workers, and more people than it lets in."""

from collections import Counter
from functools import partial

import httpx

from tests.support.end_to_end.clients import EVENTS, Json, Sale, all_at_once
from tests.support.waiting import until

RATE = 5


def join(sale: Sale, event: int, user: str) -> Json:
    response = sale.bookings.post(f"{EVENTS}/{event}/waiting-room", json={"user_id": user})
    assert response.status_code == 201, response.text
    place: Json = response.json()
    return place


def look(sale: Sale, event: int, token: str) -> Json:
    response = sale.bookings.get(
        f"{EVENTS}/{event}/waiting-room", headers={"Waiting-Room-Token": token}
    )
    assert response.status_code == 200, response.text
    place: Json = response.json()
    return place


def book(sale: Sale, event: int, user: str, token: str) -> httpx.Response:
    return sale.bookings.post(
        f"{EVENTS}/{event}/bookings",
        json={"user_id": user},
        headers={"Waiting-Room-Token": token},
    )


def assert_must_wait(response: httpx.Response) -> None:
    assert response.status_code == 429, response.text
    problem = response.json()
    assert problem["code"] == "waiting_room"
    assert problem["waiting_room"].endswith("/waiting-room")
    assert int(response.headers["Retry-After"]) >= 1


def test_everybody_gets_a_place_and_books_when_it_is_their_turn(sale: Sale) -> None:
    event = sale.create_event(max_seats=100, waiting_room_rate=RATE)
    users = [f"user-{number}" for number in range(60)]

    places = dict(zip(users, all_at_once(partial(join, sale, event), users), strict=True))

    positions = [place["position"] for place in places.values() if place["position"]]
    assert len({places[user]["token"] for user in users}) == 60
    assert max(positions) > RATE
    assert_must_wait(sale.book(event, "user-0"))
    last = max(users, key=lambda user: places[user]["position"] or 0)
    too_early = book(sale, event, last, places[last]["token"])
    assert_must_wait(too_early)

    # Each worker estimates positions by what it saw of the room within the last second, so the one
    # that was told the highest need not be the last.
    until(
        lambda: all(
            look(sale, event, place["token"])["state"] == "ready" for place in places.values()
        ),
        "everybody's turn",
    )
    answers = all_at_once(
        lambda user: book(sale, event, user, places[user]["token"]).status_code, users
    )
    assert Counter(answers) == {201: 60}
    assert sale.counts(event)[0] == 60


def test_bots_that_skip_it_get_nothing(sale: Sale) -> None:
    event = sale.create_event(waiting_room_rate=1)
    stolen = join(sale, event, "ann")["token"]

    answers = all_at_once(lambda user: sale.book(event, user), [f"bot-{n}" for n in range(40)])
    shared = all_at_once(
        lambda user: book(sale, event, user, stolen), [f"bot-{n}" for n in range(10)]
    )

    assert Counter(answer.json()["code"] for answer in answers) == {"waiting_room": 40}
    assert {answer.json()["code"] for answer in shared} == {"invalid_waiting_room_token"}
    assert sale.counts(event)[0] == 0
    assert book(sale, event, "ann", stolen).status_code == 201


def test_a_room_that_is_closed_lets_everybody_in(sale: Sale) -> None:
    event = sale.create_event(waiting_room_rate=1)
    assert_must_wait(sale.book(event, "ann"))

    changed = sale.events.patch(f"{EVENTS}/{event}", json={"waiting_room_rate": None})
    assert changed.status_code == 200

    until(lambda: sale.book(event, "ann").status_code == 201, "a booking without a turn")
