"""The waiting room on the guests' pages, in open mode."""

import re
from datetime import timedelta

import pytest

from booking_project.bookings.domain.turns import TURN_SECONDS
from booking_project.bookings.models import Booking, Event, WaitingRoom
from booking_project.bookings.services import waiting_room
from tests.support.booking.factories import EventFactory, booked, now
from tests.support.booking.guests import ANN, ANN_ID, Guest, path_of, text_of, words_of

pytestmark = pytest.mark.django_db

SLOW = 1


@pytest.fixture
def ann() -> Guest:
    ann = Guest()
    assert ann.send("/sign-in", ANN).status_code == 302
    return ann


@pytest.fixture
def event() -> Event:
    """An event for which 100 people wait."""
    event: Event = EventFactory(waiting_room_rate=SLOW)
    WaitingRoom.objects.create(
        event_id=event.pk,
        rate=SLOW,
        highest_rate=SLOW,
        called=0,
        as_of=now(),
        last_turn=100,
        early=0,
    )
    return event


def room_path(event: Event) -> str:
    return f"/events/{event.pk}/waiting-room"


def book_path(event: Event) -> str:
    return f"/events/{event.pk}/book"


def pass_time(event: Event, *, seconds: float) -> None:
    room = WaitingRoom.objects.get(pk=event.pk)
    room.as_of -= timedelta(seconds=seconds)
    room.save()
    waiting_room.forget()


class TestInLine:
    def test_the_event_leads_there(self, ann: Guest, event: Event) -> None:
        page = ann.get(f"/events/{event.pk}")

        assert f'href="{room_path(event)}">Book a seat</a>' in page
        assert "You wait in line" in words_of(page)

    def test_they_say_who_they_are_first(self, event: Event) -> None:
        stranger = Guest()
        response = stranger.client.get(room_path(event), headers=stranger.headers)

        assert path_of(response) == "/sign-in"
        response = stranger.send(response.headers["Location"], ANN)
        assert path_of(response) == room_path(event)
        assert "You are in the waiting room" in stranger.read(room_path(event))

    def test_they_see_their_place_and_how_long_it_takes(self, ann: Guest, event: Event) -> None:
        page = ann.get(room_path(event))

        assert re.search(r'<span class="place" aria-hidden="true">(9[5-9]|100)</span>', page)
        assert "It takes about 2 minutes." in page
        assert "You wait as Ann." in words_of(page)
        assert re.search(r'hx-trigger="every 1[5-7]s"', page)
        assert re.search(r'<noscript><meta http-equiv="refresh" content="1[5-7]">', page)

    def test_looking_again_keeps_the_place(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        ann.get(room_path(event))

        assert WaitingRoom.objects.get().last_turn == 101
        cookie = ann.client.cookies[f"waiting_room_{event.pk}"]
        assert cookie["httponly"]
        assert cookie["path"] == f"/events/{event.pk}"

    def test_only_the_line_is_sent_to_a_page_that_is_open(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        ann.headers["HX-Request"] = "true"

        assert ann.get(room_path(event)).lstrip().startswith('<div id="line"')

    def test_the_form_is_not_for_those_who_wait(self, ann: Guest, event: Event) -> None:
        response = ann.client.get(book_path(event), headers=ann.headers)

        assert path_of(response) == room_path(event)

    def test_a_form_that_is_sent_out_of_turn_leads_there(self, ann: Guest, event: Event) -> None:
        Event.objects.update(waiting_room_rate=None)
        fields = {**ann.form_at(book_path(event)), **ANN}
        Event.objects.update(waiting_room_rate=SLOW)

        response = ann.post(book_path(event), fields)

        assert path_of(response) == room_path(event)
        assert not Booking.objects.exists()


class TestTheirTurn:
    def test_they_go_on_to_the_form_and_book(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        pass_time(event, seconds=110)

        response = ann.client.get(room_path(event), headers=ann.headers)
        assert path_of(response) == book_path(event)
        page = ann.read(book_path(event))
        assert "You book as Ann." in page
        response = ann.send(book_path(event))

        assert path_of(response).startswith("/bookings/")
        assert Booking.objects.get().user_id == ANN_ID

    def test_an_open_page_goes_on_by_itself(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        pass_time(event, seconds=110)
        ann.headers["HX-Request"] = "true"

        response = ann.client.get(room_path(event), headers=ann.headers)

        assert response.headers["HX-Redirect"] == book_path(event)

    def test_a_missed_turn_can_be_given_up_for_a_new_place(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        pass_time(event, seconds=TURN_SECONDS + 200)
        assert "Your turn is over" in ann.read(room_path(event))

        response = ann.send(room_path(event))

        assert path_of(response) == room_path(event)
        response = ann.client.get(room_path(event), headers=ann.headers)
        assert path_of(response) == book_path(event)

    def test_a_turn_is_worth_nothing_to_others(self, ann: Guest, event: Event) -> None:
        ann.get(room_path(event))
        pass_time(event, seconds=110)
        ben = Guest()
        ben.send("/sign-in", {"name": "Ben", "email": "ben@example.com"})
        name = f"waiting_room_{event.pk}"
        ben.client.cookies[name] = ann.client.cookies[name].value

        response = ben.client.get(book_path(event), headers=ben.headers)

        assert path_of(response) == room_path(event)


def test_before_the_opening_they_take_part_in_a_draw(ann: Guest) -> None:
    event = EventFactory(waiting_room_rate=SLOW, booking_start_at=now() + timedelta(minutes=9))

    assert "Go to the waiting room" in ann.read(f"/events/{event.pk}")
    page = ann.read(room_path(event))

    assert "You are in" in page
    assert "a draw gives a place in line to everyone who is here" in page
    assert WaitingRoom.objects.get().early == 1


def test_when_all_is_taken_nobody_goes_on_waiting(ann: Guest, event: Event) -> None:
    ann.get(room_path(event))
    Event.objects.update(waiting_room_rate=None, max_seats=1, waitlist_limit=0)
    booked(event, ["first"])
    Event.objects.update(waiting_room_rate=SLOW)
    from booking_project.guests import snapshots

    snapshots.forget()
    assert "Sold out" in ann.read(room_path(event))


def test_without_a_room_the_event_is_shown(ann: Guest) -> None:
    event = EventFactory()

    response = ann.client.get(room_path(event), headers=ann.headers)

    assert path_of(response) == f"/events/{event.pk}"
    assert f'href="{book_path(event)}">Book a seat</a>' in ann.get(f"/events/{event.pk}")


def test_in_thai(event: Event) -> None:
    malee = Guest(**{"accept-language": "th"})
    malee.send("/sign-in", {"name": "มาลี", "email": "malee@example.com"})

    response = malee.client.get(room_path(event), headers=malee.headers)

    assert "คุณอยู่ในห้องรอคิว" in text_of(response)
