"""The admin site shows everything and changes nothing."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services import events
from booking_project.bookings.services.events import event_sync
from booking_project.notifications.models import Notification
from tests.support.admin import cells
from tests.support.booking.factories import EventFactory, announced, booked, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(browser: Client) -> Client:
    browser.force_login(User.objects.create_superuser("admin"))
    return browser


@pytest.fixture
def event() -> Event:
    event = EventFactory(name="Golang Workshop", max_seats=1)
    booked(event, ["ann", "ben"])
    EventFactory(name="Rust Workshop", cancelled_at=now())
    return event


def test_anonymous_users_are_sent_to_the_login(browser: Client) -> None:
    response = browser.get("/admin/bookings/booking/")

    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]


def test_the_start_page_leads_to_both(staff: Client) -> None:
    page = staff.get("/admin/").content.decode()

    assert "/admin/bookings/event/" in page
    assert "/admin/bookings/booking/" in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ["Golang Workshop", "Rust Workshop"], []),
        ("?q=rust", ["Rust Workshop"], ["Golang Workshop"]),
        ("?cancelled_at__isnull=True", ["Golang Workshop"], ["Rust Workshop"]),
        ("?o=3.-1", ["Golang Workshop", "Rust Workshop"], []),
        ("?q=99999999999999999999", [], ["Golang Workshop", "Rust Workshop"]),
    ],
)
def test_events_are_listed_searched_and_filtered(
    staff: Client, event: Event, query: str, shown: list[str], hidden: list[str]
) -> None:
    page = staff.get(f"/admin/bookings/event/{query}")

    assert page.status_code == 200
    text = page.content.decode()
    assert [name for name in shown if name not in text] == []
    assert [name for name in hidden if name in text] == []


def test_an_event_is_found_by_its_id(staff: Client, event: Event) -> None:
    page = staff.get(f"/admin/bookings/event/?q={event.pk}")

    assert page.status_code == 200
    assert "Golang Workshop" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ["ann", "ben"], []),
        ("?q=ben", ["ben"], ["ann"]),
        ("?status__exact=waitlisted", ["ben"], ["ann"]),
        ("?q=99999999999999999999", [], ["ann", "ben"]),
    ],
)
def test_bookings_are_listed_searched_and_filtered(
    staff: Client, event: Event, query: str, shown: list[str], hidden: list[str]
) -> None:
    page = staff.get(f"/admin/bookings/booking/{query}")

    assert page.status_code == 200
    found = cells(page.content.decode(), "guest")
    assert [name for name in shown if name not in found] == []
    assert [name for name in hidden if name in found] == []


def test_a_booking_is_found_by_its_events_id(staff: Client, event: Event) -> None:
    page = staff.get(f"/admin/bookings/booking/?q={event.pk}")

    assert "ann" in cells(page.content.decode(), "guest")


def test_mails_that_were_sent_are_found_by_booking_and_address(staff: Client) -> None:
    for booking_id, address in ((12, "ann@example.com"), (13, "ben@example.com")):
        Notification.objects.create(
            message_id=uuid4(), booking_id=booking_id, kind="promoted", address=address
        )

    for query in ("12", "ann"):
        page = staff.get(f"/admin/notifications/notification/?q={query}").content.decode()
        assert "ann@example.com" in page
        assert "ben@example.com" not in page
    assert staff.get("/admin/notifications/notification/add/").status_code == 403


def test_the_pages_of_one_event_and_one_booking_show_and_offer_no_change(
    staff: Client, event: Event
) -> None:
    booking = Booking.objects.get(user_id="ben")
    for path, told in (
        (
            f"/admin/bookings/event/{event.pk}/change/",
            ["Golang Workshop", "THB\N{NO-BREAK SPACE}2,500"],
        ),
        (f"/admin/bookings/booking/{booking.pk}/change/", ["ben", "Waitlisted"]),
    ):
        page = staff.get(path)
        text = page.content.decode()

        assert page.status_code == 200
        assert [word for word in told if word not in text] == []
        assert 'name="_save"' not in text
        assert "/delete/" not in text


@pytest.mark.parametrize("model", ["event", "booking"])
def test_nothing_is_added_changed_or_deleted(staff: Client, event: Event, model: str) -> None:
    row = event if model == "event" else Booking.objects.get(user_id="ann")
    before = sorted(Booking.objects.values_list()), sorted(Event.objects.values_list())
    base = f"/admin/bookings/{model}"

    assert staff.get(f"{base}/add/").status_code == 403
    assert staff.post(f"{base}/add/", {}).status_code == 403
    assert staff.post(f"{base}/{row.pk}/change/", {"status": "cancelled"}).status_code == 403
    assert staff.get(f"{base}/{row.pk}/delete/").status_code == 403
    assert staff.post(f"{base}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    staff.post(f"{base}/", {"action": "delete_selected", "_selected_action": [row.pk]})

    assert (sorted(Booking.objects.values_list()), sorted(Event.objects.values_list())) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Nothing out of the ordinary."),
        ({"max_seats": 1, "waitlist_limit": 0}, "2 seats are taken and there are 1. Nobody loses"),
        ({"waitlist_limit": 1}, "2 people wait and there are 1 places in line."),
        ({"cancelled_at": now()}, "its bookings are being cancelled"),
        ({"max_seats": 9}, "Those who wait are being given seats, in order."),
    ],
)
def test_the_page_of_an_event_explains_its_capacity(
    staff: Client, changes: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PROMOTION_BATCH", 1)
    event = EventFactory(max_seats=2, waitlist_limit=2)
    booked(event, ["ann", "ben", "cat", "dan"])
    event_sync(announced(event, **changes))

    assert said in staff.get(f"/admin/bookings/event/{event.pk}/change/").content.decode()


def test_times_are_in_the_zone_of_the_event_and_of_a_browser_elsewhere(
    staff: Client, event: Event
) -> None:
    start = datetime(2026, 2, 20, 10, tzinfo=UTC)
    Event.objects.filter(pk=event.pk).update(booking_start_at=start)
    path = f"/admin/bookings/event/{event.pk}/change/"

    pages = {}
    for zone in ("", "Asia/Bangkok", "Europe/Berlin"):
        staff.cookies["time_zone"] = zone
        pages[zone] = staff.get(path).content.decode()

    for page in pages.values():
        assert "Fri 20 Feb 2026, 17:00 (Bangkok time)" in page
    elsewhere = "Fri 20 Feb 2026, 11:00 (Berlin time)"
    assert [zone for zone, page in pages.items() if elsewhere in page] == ["Europe/Berlin"]
    assert "(UTC)" not in pages[""]
