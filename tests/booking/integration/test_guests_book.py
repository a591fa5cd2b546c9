"""Booking on the guests' pages, in open mode."""

from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.bookings import booking_create
from booking_project.bookings.storage import loaders
from booking_project.contacts.models import Contact
from booking_project.guests.identity import sign_in
from shared.limits.rate import parse_rate
from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, booked
from tests.support.booking.guests import ANN, ANN_ID, Guest, path_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Guest:
    return Guest()


def book_path(event: Event) -> str:
    return f"/events/{event.pk}/book"


class TestBooking:
    def test_a_guest_books_with_a_name_and_a_mail_address(self, ann: Guest) -> None:
        event = EventFactory()

        page = ann.read(ann.books(event.pk))

        booking = Booking.objects.get()
        assert (booking.user_id, booking.status) == (ANN_ID, "confirmed")
        assert "You have a seat" in page
        assert event.name in page
        contact = Contact.objects.get()
        assert (contact.user_id, contact.name, contact.language) == (ANN_ID, "Ann", "en")

    def test_the_browser_remembers_them(self, ann: Guest) -> None:
        ann.books(EventFactory().pk)

        page = ann.get(book_path(EventFactory()))

        assert 'value="Ann"' in page
        assert 'value="Ann@Example.com"' in page
        cookie = ann.client.cookies["booking_guest"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    def test_without_seats_they_get_a_place_in_line(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        booked(event, ["first", "second"])

        page = ann.get(ann.books(event.pk))

        assert '<span class="place" aria-hidden="true">2</span>' in page
        assert "You are number 2 in line." in page

    def test_a_form_that_is_sent_twice_books_once(self, ann: Guest) -> None:
        event = EventFactory()
        fields = {**ann.form_at(book_path(event)), **ANN}

        first, again = (ann.post(book_path(event), fields) for _ in range(2))

        assert first.status_code == again.status_code == 302
        assert path_of(first) == path_of(again)
        assert Booking.objects.count() == 1

    def test_a_form_sent_again_after_cancelling_books_nothing_new(self, ann: Guest) -> None:
        event = EventFactory()
        fields = {**ann.form_at(book_path(event)), **ANN}
        booking = path_of(ann.post(book_path(event), fields))
        ann.send(f"{booking}/cancel")

        again = ann.post(book_path(event), fields)

        assert path_of(again) == booking
        assert "This booking is cancelled" in ann.read(booking)
        assert Booking.objects.count() == 1

    def test_a_thai_guest_is_remembered_as_such(self) -> None:
        malee = Guest(**{"accept-language": "th"})
        malee.books(EventFactory().pk, name="มาลี", email="malee@example.com")
        assert Contact.objects.get().language == "th"

    def test_with_tokens_they_book_under_their_subject(
        self, ann: Guest, ask_for_tokens: AskForTokens
    ) -> None:
        event = EventFactory()
        ask_for_tokens()
        logged_in = HttpResponse()
        sign_in(logged_in, user_id="sub-7", name="Ann", email="ann@example.com")
        ann.client.cookies.update(logged_in.cookies)
        assert "You book as Ann." in ann.read(book_path(event))

        response = ann.send(book_path(event), {"email": "bob@example.com"})

        assert "You have a seat" in ann.read(path_of(response))
        assert Booking.objects.get().user_id == "sub-7"


class TestErrors:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"name": ""}, "Enter your name"),
            ({"name": "\u200b\u00a0"}, "Enter your name"),
            ({"name": "x" * 101}, "Your name must have at most 100 characters"),
            ({"name": "A\x00nn"}, "Your name has characters that can’t be used"),
            ({"name": "A\x1bnn"}, "Your name has characters that can’t be used"),
            ({"email": ""}, "Enter your e-mail address"),
            ({"email": "ann"}, "Enter an e-mail address in the right format"),
            ({"email": "ann@example.com\x00"}, "Enter an e-mail address in the right format"),
            ({"email": "ann@example.com, bob@example.com"}, "Enter an e-mail address in the"),
            ({"email": f"{'a' * 250}@example.com"}, "Your e-mail address is too long"),
        ],
    )
    def test_are_said_above_and_beside_the_field(
        self, ann: Guest, fields: dict[str, str], message: str
    ) -> None:
        event = EventFactory()
        response = ann.send(book_path(event), {**ANN, **fields})

        assert response.status_code == 400
        page = response.content.decode()
        (name,) = fields
        assert f'<a href="#id_{name}">{message}' in page
        assert f'id="error-{name}"' in page
        assert 'aria-invalid="true"' in page
        assert "<title>Error: " in page
        assert not Booking.objects.exists()

    def test_keep_what_was_typed_and_the_key(self, ann: Guest) -> None:
        event = EventFactory()
        fields = ann.form_at(book_path(event))

        page = ann.post(book_path(event), {**fields, **ANN, "email": "ann@"}).content.decode()

        assert 'value="Ann"' in page
        assert 'value="ann@"' in page
        assert fields["key"] in page

    @pytest.mark.parametrize("key", ["", "nonsense", "x" * 10_000, "\x00"])
    def test_a_form_without_its_key_books_nothing(self, ann: Guest, key: str) -> None:
        event = EventFactory()
        response = ann.send(book_path(event), {**ANN, "key": key})

        assert response.status_code == 400
        assert "This form is out of date" in text_of(response)
        assert not Booking.objects.exists()

    def test_what_is_typed_is_never_markup(self, ann: Guest) -> None:
        event = EventFactory(name="<script>alert(1)</script>", venue="<b>here</b>")
        name = "<img src=x onerror=alert(1)>"

        page = ann.get(ann.books(event.pk, name=name)) + ann.get(f"/events/{event.pk}")
        page += ann.send(book_path(event), {"name": name, "email": name}).content.decode()

        for markup in ("<script>alert", "<b>here", "<img src=x"):
            assert markup not in page
        assert "&lt;img src=x" in page


class TestRefusals:
    def test_someone_was_faster_and_there_is_a_place_in_line(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1)
        fields = {**ann.form_at(book_path(event)), **ANN}
        booked(event, ["quick"])

        response = ann.post(book_path(event), fields)

        assert response.status_code == 302
        page = ann.read(response.headers["Location"])
        assert "The last seat went to someone else a moment before you." in page

    def test_someone_was_faster_and_nothing_is_left(self, ann: Guest) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=0)
        fields = {**ann.form_at(book_path(event)), **ANN}
        booked(event, ["quick"])

        response = ann.post(book_path(event), fields)

        assert response.status_code == 409
        assert "Someone was faster" in text_of(response)

    def test_already_booked_leads_to_the_booking(self, ann: Guest) -> None:
        event = EventFactory()
        [booking] = booked(event, [ANN_ID])

        response = ann.send(book_path(event), ANN)

        assert response.status_code == 409
        assert "You have already booked" in text_of(response)
        assert f'href="/bookings/{booking.pk}"' in response.content.decode()
        assert "You have a seat" in ann.read(f"/bookings/{booking.pk}")

    @pytest.mark.parametrize(
        ("traits", "title"),
        [
            ({"not_started": True}, "Booking has not opened yet"),
            ({"over": True}, "Booking is closed"),
            ({"cancelled_at": timezone.now()}, "This event has been cancelled"),
            ({"max_seats": 1, "waitlist_limit": 0}, "Sold out"),
        ],
    )
    def test_the_form_is_only_shown_if_there_is_something_to_book(
        self, ann: Guest, traits: dict[str, Any], title: str
    ) -> None:
        event = EventFactory(**traits)
        if "max_seats" in traits:
            booked(event, ["first"])

        assert title in ann.read(book_path(event), status=409)
        assert title.split()[0] in ann.read(f"/events/{event.pk}")

    def test_an_event_that_closed_meanwhile_is_refused(self, ann: Guest) -> None:
        event = EventFactory()
        fields = {**ann.form_at(book_path(event)), **ANN}
        Event.objects.update(booking_end_at=event.booking_start_at)

        response = ann.post(book_path(event), fields)

        assert response.status_code == 409
        assert "Booking is not open" in text_of(response)

    def test_a_busy_service_offers_to_send_the_same_again(
        self, ann: Guest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory()
        fields = {**ann.form_at(book_path(event)), **ANN}

        def away(*args: object, **options: object) -> None:
            raise OperationalError("the connection is lost")

        with monkeypatch.context() as patch:
            patch.setattr(loaders, "find_stored", away)
            busy = ann.post(book_path(event), fields)

        assert busy.status_code == 503
        assert busy.headers["Retry-After"] == "2"
        assert "Please try again" in text_of(busy)
        page = busy.content.decode()
        assert f'name="key" value="{fields["key"]}"' in page
        assert 'name="email" value="Ann@Example.com"' in page
        assert page.count('name="csrfmiddlewaretoken"') == 2, "the form's, and the language's"
        assert ann.post(book_path(event), fields).status_code == 302

    def test_the_limit_of_writes_counts_here_too(self, ann: Guest, settings: Any) -> None:
        event = EventFactory()
        settings.RATE_LIMIT_WRITES = parse_rate("1/hour")
        ann.books(event.pk)

        response = ann.send(book_path(event), ANN)

        assert response.status_code == 429
        assert 3500 <= int(response.headers["Retry-After"]) <= 3601
        assert "That was a bit fast" in text_of(response)

    def test_an_event_that_nobody_has_is_not_found(self, ann: Guest) -> None:
        for number in ("7", "9" * 19, str(2**63), "9" * 18):
            assert "We don’t know this event" in ann.read(f"/events/{number}/book", status=404)


class TestForgery:
    def test_without_a_token_nothing_is_booked(self) -> None:
        event = EventFactory()
        stranger = Guest(Client(enforce_csrf_checks=True))

        response = stranger.post(book_path(event), {**ANN, "key": "a" * 32})

        assert response.status_code == 403
        assert "This form has expired" in text_of(response)
        assert not Booking.objects.exists()

    def test_a_body_that_is_too_large_is_refused(self, ann: Guest) -> None:
        event = EventFactory()
        response = ann.send(book_path(event), {**ANN, "name": "x" * 1_000_000})

        assert "That was too much text" in text_of(response)
        assert response.status_code == 413
        assert not Booking.objects.exists()

    def test_a_cookie_that_was_changed_is_nobody(self, ann: Guest) -> None:
        ann.books(EventFactory().pk)
        cookie = ann.client.cookies["booking_guest"].value
        for forged in (cookie[:-1] + "A", "a:b:c", "\x00", "\xff", cookie.replace(":", "", 1)):
            ann.client.cookies["booking_guest"] = forged
            assert ann.client.get("/bookings").status_code == 302


def test_the_pages_and_the_api_share_their_bookings(ann: Guest) -> None:
    event = EventFactory()
    booking = booking_create(event_id=event.pk, user_id=ANN_ID).value
    ann.send("/sign-in", ANN)

    assert f"Booking {booking.pk}" in ann.read(f"/bookings/{booking.pk}")
    ann.send(f"/bookings/{booking.pk}/cancel")

    assert ann.client.get(f"/api/v1/bookings/{booking.pk}").json()["status"] == "cancelled"
