"""Finding an event on the guests' pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.templatetags.static import static
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from booking_project.guests import snapshots
from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.guests import ANN, ANN_ID, HTML, Guest

pytestmark = pytest.mark.django_db


@pytest.fixture
def guest() -> Guest:
    return Guest()


class TestList:
    def test_shows_what_can_be_booked_now_or_later(self, guest: Guest) -> None:
        EventFactory(name="Open now")
        EventFactory(name="Later", not_started=True)
        EventFactory(name="Over", over=True)
        EventFactory(name="Called off", cancelled_at=timezone.now())

        page = guest.read("/")

        assert "Open now" in page
        assert "Later" in page
        assert "Over" not in page
        assert "Called off" not in page

    def test_says_how_each_event_stands(self, guest: Guest) -> None:
        booked(EventFactory(max_seats=3), ["first"])
        booked(EventFactory(max_seats=1), ["first", "second"])
        booked(EventFactory(max_seats=1, waitlist_limit=0), ["first"])
        page = guest.read("/")

        for words in ("2 seats left", "1 person in line", "no places left", "Sold out"):
            assert words in page

    @pytest.mark.parametrize("search", ["JAZZ", "river", "asiatique", " jazz  by "])
    def test_finds_by_name_and_place(self, guest: Guest, search: str) -> None:
        EventFactory(name="Jazz by the River", venue="Asiatique")
        EventFactory(name="Pottery")

        page = guest.read(f"/?q={search}")

        assert "Jazz by the River" in page
        assert "Pottery" not in page
        assert "1 event with" in page

    def test_finds_thai_names(self, guest: Guest) -> None:
        EventFactory(name="งานดนตรีริมแม่น้ำ")
        assert "งานดนตรีริมแม่น้ำ" in guest.read("/?q=ดนตรี")

    @pytest.mark.parametrize(
        "query", ["?q=%00", "?q=" + "x" * 5000, "?page=x", "?page=-1", "?q=%ff"]
    )
    def test_takes_odd_questions_calmly(self, guest: Guest, query: str) -> None:
        assert guest.get(f"/{query}")

    def test_is_calm_when_there_is_nothing(self, guest: Guest) -> None:
        assert "Nothing to book at the moment" in guest.read("/")
        assert "Try a shorter word" in guest.read("/?q=opera")

    def test_has_pages(self, guest: Guest) -> None:
        for number in range(30):
            EventFactory(name=f"Event no {number:02}")
        first, second = guest.get("/?q=event"), guest.get("/?q=event&page=2")

        assert 'href="?q=event&amp;page=2"' in first
        assert first.count("Event no") + second.count("Event no") == 30

    def test_is_read_once_a_second_whoever_looks(self, guest: Guest) -> None:
        EventFactory()
        guest.get("/")
        with CaptureQueriesContext(connection) as queries:
            for other in (Guest(), Guest(), guest):
                other.get("/")
        assert not queries.captured_queries


class TestEvent:
    def test_shows_all_that_is_known(self, guest: Guest) -> None:
        event = EventFactory(
            name="Jazz by the River",
            venue="Asiatique",
            description="Three **bands**.",
            starts_at=datetime(2026, 2, 20, 12, tzinfo=UTC),
            ends_at=datetime(2026, 2, 20, 15, tzinfo=UTC),
            price=Decimal("1200"),
        )
        booked(event, users(20))

        page = guest.get(f"/events/{event.pk}")

        assert "<h1>Jazz by the River</h1>" in page
        assert "Fri 20 Feb 2026, 19:00–22:00" in page
        assert "Bangkok time" in page
        assert "Three <strong>bands</strong>." in page
        assert "THB\N{NO-BREAK SPACE}1,200" in page
        assert "30 of 50 seats left" in page
        assert '<progress id="seats" class="seats" max="50" value="30">' in page
        assert '<meta property="og:title" content="Jazz by the River">' in page
        assert '<meta property="og:description" content="Three bands.">' in page
        picture = static("guests/share.jpg")
        assert f'<meta property="og:image" content="http://testserver{picture}">' in page

    def test_looks_complete_without_what_is_unknown(self, guest: Guest) -> None:
        page = guest.get(f"/events/{EventFactory(price=0).pk}")

        assert "Date to be announced" in page
        assert "Free" in page
        for absent in ("When", "Where", "None", "About this event"):
            assert absent not in page

    def test_is_in_thai_with_buddhist_years(self) -> None:
        event = EventFactory(starts_at=datetime(2026, 2, 20, 12, tzinfo=UTC), price=1200)
        page = Guest(**{"accept-language": "th"}).get(f"/events/{event.pk}")

        assert '<html lang="th">' in page
        assert "ศ. 20 ก.พ. 2569 19:00 น." in page
        assert "เวลาประเทศไทย" in page
        assert "฿1,200" in page

    def test_shows_the_guests_own_time_if_it_differs(self, guest: Guest) -> None:
        event = EventFactory(starts_at=datetime(2026, 2, 20, 12, tzinfo=UTC))
        guest.client.cookies["time_zone"] = "Europe/Berlin"
        assert "Fri 20 Feb 2026, 13:00 Berlin time" in guest.read(f"/events/{event.pk}")

        guest.client.cookies["time_zone"] = "Asia/Jakarta"
        assert "Jakarta" not in guest.read(f"/events/{event.pk}"), "the same clocks"

    def test_says_when_booking_opens_with_and_without_scripts(self, guest: Guest) -> None:
        event = EventFactory(booking_start_at=timezone.now() + timedelta(hours=2))
        page = guest.get(f"/events/{event.pk}")

        assert "Booking opens" in page
        assert '<time class="countdown" datetime=' in page
        assert 'data-seconds="7' in page
        assert f"/{event.pk}/book" not in page

    def test_leads_those_who_have_booked_to_their_booking(self, guest: Guest) -> None:
        event = EventFactory()
        path = guest.books(event.pk)

        page = guest.get(f"/events/{event.pk}")

        assert f'href="{path}"' in page
        assert "Book a seat" not in page

    @pytest.mark.parametrize(
        "markdown",
        [
            "<script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "![x](https://example.com/x.png)",
            "<a onmouseover=alert(1)>x</a>",
            "[x](data:text/html,x)",
        ],
    )
    def test_a_description_can_not_do_anything(self, guest: Guest, markdown: str) -> None:
        page = guest.get(f"/events/{EventFactory(description=markdown).pk}")
        body = page.split("<main")[1]

        for forbidden in ("<script", "<img", 'href="javascript', 'href="data', "<a onmouse"):
            assert forbidden not in body

    def test_takes_at_most_one_query_for_a_stranger_and_two_for_a_guest(self, guest: Guest) -> None:
        event = EventFactory()
        path = f"/events/{event.pk}"
        with CaptureQueriesContext(connection) as of_a_stranger:
            guest.get(path)
        guest.send("/sign-in", ANN)
        snapshots.forget()
        with CaptureQueriesContext(connection) as of_a_guest:
            guest.get(path)

        assert len(of_a_stranger) == 1
        assert len(of_a_guest) == 2


class TestNothing:
    @pytest.mark.parametrize("path", ["/events/7", "/events/" + "9" * 19])
    def test_an_unknown_event_is_a_page(self, guest: Guest, path: str) -> None:
        assert "We don’t know this event" in guest.read(path, status=404)

    @pytest.mark.parametrize("path", ["/events/0", "/events/abc", "/events/-1", "/x", "/events"])
    def test_an_unknown_path_is_a_page_for_people(self, guest: Guest, path: str) -> None:
        assert "This page does not exist" in guest.read(path, status=404)

    @pytest.mark.parametrize("accept", ["*/*", "application/json"])
    def test_and_a_problem_document_for_others(self, client: Client, accept: str) -> None:
        response = client.get("/x", headers={"accept": accept})
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"

    def test_paths_of_the_api_have_problem_documents(self, client: Client) -> None:
        response = client.get("/api/v2/x", headers=HTML)
        assert response.headers["Content-Type"] == "application/problem+json"

    def test_a_mistake_of_ours_is_a_page(
        self, guest: Guest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> list[Any]:
            raise ZeroDivisionError

        monkeypatch.setattr("booking_project.guests.views.events.upcoming_seen", broken)
        assert "Something went wrong on our side" in guest.read("/", status=500)


class TestVisitors:
    def test_the_language_can_be_switched(self, guest: Guest) -> None:
        token = guest.form_with("/", "language")

        response = guest.post("/language", {**token, "language": "th"})

        assert response.headers["Location"] == "/"
        assert '<html lang="th">' in guest.get("/")

    @pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "javascript:x"])
    def test_no_switch_and_no_sign_in_leads_elsewhere(self, guest: Guest, goal: str) -> None:
        token = guest.form_with("/", "language")
        switched = guest.post("/language", {**token, "language": "th", "next": goal})
        signed_in = guest.send("/sign-in", {**ANN, "next": goal})

        assert switched.headers["Location"] == "/"
        assert signed_in.headers["Location"] == "/bookings"

    def test_signing_out_forgets_the_guest(self, guest: Guest) -> None:
        guest.books(EventFactory().pk)
        response = guest.post("/sign-out", guest.form_with("/", "sign-out"))

        assert response.headers["Location"] == "/"
        assert guest.client.get("/bookings").status_code == 302

    def test_with_tokens_nobody_is_believed(
        self, guest: Guest, ask_for_tokens: AskForTokens
    ) -> None:
        event = EventFactory()
        path = guest.books(event.pk)
        ask_for_tokens()

        for page in ("/bookings", path, f"/events/{event.pk}/book", f"{path}/cancel"):
            response = guest.client.get(page)
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/sign-in?next=")
        assert ANN_ID not in guest.get(f"/events/{event.pk}")


def test_pages_are_not_cached_and_have_a_policy(guest: Guest) -> None:
    response = guest.client.get("/", headers=HTML)

    assert response.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    page = response.content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count("<script src=")
