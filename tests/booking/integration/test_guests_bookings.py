"""A guest's own bookings: the place in line, the ticket, the calendar, and giving it up."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import segno
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from booking_project.bookings.models import Booking
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.guests import snapshots
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.guests import ANN_ID, Guest, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Guest:
    return Guest()


@pytest.fixture
def bob() -> Guest:
    return Guest()


def number_of(path: str) -> int:
    return int(path.rsplit("/", 1)[1])


class TestOwn:
    def test_lists_the_guests_bookings_and_no_others(self, ann: Guest) -> None:
        mine, full, theirs = (EventFactory(name=name, max_seats=1) for name in "MFT")
        booked(full, ["first"])
        booked(theirs, ["other"])
        ann.books(mine.pk)
        waiting = ann.books(full.pk)

        page = ann.get("/bookings")

        assert page.count('class="card booking"') == 2
        assert "You have a seat" in page
        assert "Number 1 in line" in page
        assert f'href="{waiting}"' in page

    def test_takes_one_query_and_one_for_each_event_with_a_line(self, ann: Guest) -> None:
        for _ in range(5):
            ann.books(EventFactory().pk)
        with CaptureQueriesContext(connection) as queries:
            ann.get("/bookings")
        assert len(queries) == 1

    def test_shows_cancelled_ones_apart(self, ann: Guest) -> None:
        path = ann.books(EventFactory().pk)
        ann.send(f"{path}/cancel")

        assert "You have no bookings yet" in ann.read("/bookings")
        assert f'href="{path}"' in ann.get("/bookings")

    @pytest.mark.parametrize("part", ["", "/cancel", "/calendar.ics", "/ticket.svg"])
    def test_those_of_others_do_not_exist(self, ann: Guest, bob: Guest, part: str) -> None:
        theirs = bob.books(EventFactory(starts_at=datetime.now(UTC)).pk, email="bob@example.com")
        ann.books(EventFactory().pk)

        assert "We can’t find this booking" in ann.read(f"{theirs}{part}", status=404)

    def test_nobody_cancels_those_of_others(self, ann: Guest, bob: Guest) -> None:
        theirs = bob.books(EventFactory().pk, email="bob@example.com")
        mine = ann.books(EventFactory().pk)
        token = ann.form_at(f"{mine}/cancel")

        response = ann.post(f"{theirs}/cancel", token)

        assert response.status_code == 404
        assert not Booking.objects.filter(status="cancelled").exists()

    def test_strangers_are_asked_who_they_are_and_come_back(self, ann: Guest, bob: Guest) -> None:
        path = ann.books(EventFactory().pk)
        asked = bob.client.get(path)

        response = bob.send(asked.headers["Location"], {"name": "Ann", "email": ANN_ID})

        assert response.headers["Location"] == path


class TestPlaceInLine:
    def test_moves_up_and_becomes_a_seat_without_reloading(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        first, _ = booked(event, ["first", "second"])
        path = ann.books(event.pk)
        look = f"/events/{event.pk}/line/{number_of(path)}"
        assert f'hx-get="{look}?shown=2"' in ann.get(path)
        assert ann.get(f"{look}?shown=2", status=204) == ""

        booking_cancel(booking_id=first.pk)
        snapshots.forget()
        moved = ann.get(f"{look}?shown=2")
        booking_cancel(booking_id=Booking.objects.get(user_id="second").pk)
        snapshots.forget()
        promoted = ann.get(f"{look}?shown=1")

        assert '<span class="place" aria-hidden="true">1</span>' in moved
        assert "You are next" in moved
        assert "It is your turn: you have a seat" in promoted
        assert "hx-get" not in promoted, "there is nothing more to wait for"
        assert "<html" not in promoted

    def test_of_others_is_not_told(self, ann: Guest, bob: Guest) -> None:
        event = EventFactory(max_seats=1)
        booked(event, ["first"])
        theirs = bob.books(event.pk, email="bob@example.com")
        ann.books(EventFactory().pk)

        for path in (f"/events/{event.pk}/line/{number_of(theirs)}", "/events/7/line/7"):
            ann.get(path, status=404)
        Guest().get(f"/events/{event.pk}/line/{number_of(theirs)}", status=404)

    def test_is_the_same_snapshot_for_everybody(self) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=50)
        booked(event, ["first"])
        waiting = [Guest() for _ in range(5)]
        looks = []
        for number, guest in enumerate(waiting):
            path = guest.books(event.pk, email=f"guest-{number}@example.com")
            looks.append(f"/events/{event.pk}/line/{number_of(path)}?shown={number + 1}")
        snapshots.forget()

        with CaptureQueriesContext(connection) as queries:
            for guest, look in zip(waiting, looks, strict=True):
                guest.get(look, status=204)

        assert len(queries) == 1

    def test_is_asked_for_less_often_far_behind(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=500)
        booked(event, users(30))
        assert 'hx-trigger="every 15s"' in ann.get(ann.books(event.pk))
        near = EventFactory(max_seats=1)
        booked(near, ["first"])
        path = ann.books(near.pk)
        assert 'hx-trigger="every 5s"' in ann.get(path)
        assert '<noscript><meta http-equiv="refresh" content="5">' in ann.get(path)


class TestCancelling:
    def test_says_what_will_happen_and_does_nothing_before(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        path = ann.books(event.pk)
        assert "becomes free for anyone" in ann.read(f"{path}/cancel")
        booked(event, ["next"])
        snapshots.forget()

        page = ann.read(f"{path}/cancel")

        assert "Your seat goes to the next person in line at once." in page
        assert not Booking.objects.filter(status="cancelled").exists()

    def test_gives_the_seat_to_the_next(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        path = ann.books(event.pk)
        [following] = booked(event, ["next"])

        response = ann.send(f"{path}/cancel")

        assert response.headers["Location"] == path
        assert "This booking is cancelled" in ann.read(path)
        following.refresh_from_db()
        assert following.status == "confirmed"

    def test_twice_is_as_good_as_once(self, ann: Guest) -> None:
        path = ann.books(EventFactory().pk)
        token = ann.form_at(f"{path}/cancel")

        first, second = (ann.post(f"{path}/cancel", token) for _ in range(2))

        assert first.headers["Location"] == second.headers["Location"] == path
        assert "This booking is already cancelled" in ann.read(f"{path}/cancel", status=409)

    def test_leaving_the_line(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        booked(event, ["first", "second"])
        path = ann.books(event.pk)

        assert "You are number 2 in line." in ann.read(f"{path}/cancel")
        ann.send(f"{path}/cancel")

        assert Booking.objects.get(user_id=ANN_ID).status == "cancelled"

    def test_needs_a_token(self, ann: Guest) -> None:
        path = ann.books(EventFactory().pk)
        response = ann.post(f"{path}/cancel", {})

        assert response.status_code == 403
        assert "This form has expired" in text_of(response)
        assert not Booking.objects.filter(status="cancelled").exists()


class TestToTakeAlong:
    def test_a_calendar_entry_in_the_zone_of_the_event(self, ann: Guest, settings: Any) -> None:
        settings.BOOKING_PUBLIC_URL = "https://tickets.example"
        start = datetime(2026, 7, 20, 12, tzinfo=UTC)
        event = EventFactory(
            name="Jazz, by; the \\ River\nX",
            venue="Asiatique, Bangkok",
            description="Three **bands**",
            starts_at=start,
            ends_at=start + timedelta(hours=3),
            time_zone="Europe/Berlin",
        )
        path = ann.books(event.pk)

        response = ann.client.get(f"{path}/calendar.ics")

        assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
        calendar = Calendar.from_ical(response.content)
        [entry] = calendar.walk("VEVENT")
        assert str(entry["SUMMARY"]) == event.name
        assert entry["DTSTART"].params["TZID"] == "Europe/Berlin"
        assert entry["DTSTART"].dt == start
        assert entry["DTEND"].dt == start + timedelta(hours=3)
        assert str(entry["LOCATION"]) == event.venue
        assert str(entry["DESCRIPTION"]) == "Three bands"
        assert str(entry["URL"]) == f"https://tickets.example{path}"
        assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Berlin"]

    def test_there_is_no_entry_without_a_date(self, ann: Guest) -> None:
        path = ann.books(EventFactory().pk)
        ann.get(f"{path}/calendar.ics", status=404)
        assert "calendar.ics" not in ann.get(path)

    def test_a_ticket_is_a_qr_code_of_the_bookings_address(self, ann: Guest, settings: Any) -> None:
        settings.BOOKING_PUBLIC_URL = "https://tickets.example"
        path = ann.books(EventFactory().pk)

        response = ann.client.get(f"{path}/ticket.svg")

        assert response.headers["Content-Type"] == "image/svg+xml"
        expected = BytesIO()
        code = segno.make(f"https://tickets.example{path}", error="m", micro=False)
        code.save(expected, kind="svg", scale=8, border=2)
        assert response.content == expected.getvalue()

    def test_only_those_with_a_seat_have_a_ticket(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1, starts_at=datetime.now(UTC))
        booked(event, ["first"])
        path = ann.books(event.pk)

        for part in ("ticket.svg", "calendar.ics"):
            ann.get(f"{path}/{part}", status=404)
        assert "ticket.svg" not in ann.get(path)
