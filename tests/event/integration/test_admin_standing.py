"""The event desk asks the booking service how events stand, and says what changes will do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from event_project.events.models import Event
from tests.support.admin import cells
from tests.support.event.booking_service import BookingService, frozen_server
from tests.support.event.factories import EventFactory, insert_events
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db

CHANGELIST = "/admin/events/event/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def now_open(**values: Any) -> Event:
    now = timezone.now()
    window = {
        "booking_start_at": now - timedelta(days=1),
        "booking_end_at": now + timedelta(days=1),
    }
    event: Event = EventFactory.create(**{**window, **values})
    return event


def page(admin: Client, path: str = CHANGELIST) -> str:
    response = admin.get(path)
    assert response.status_code == 200
    return response.content.decode()


def change_page(event: Event) -> str:
    return f"{CHANGELIST}{event.pk}/change/"


def form_of(event: Event, **changes: str) -> dict[str, str]:
    times = {}
    for name in ("booking_start_at", "booking_end_at", "starts_at", "ends_at"):
        moment = getattr(event, name)
        times[f"{name}_0"] = f"{moment:%Y-%m-%d}" if moment else ""
        times[f"{name}_1"] = f"{moment:%H:%M:%S}" if moment else ""
    return {
        "name": event.name,
        "max_seats": str(event.max_seats),
        "waitlist_limit": str(event.waitlist_limit),
        "price": str(event.price),
        "description": event.description or "",
        "venue": event.venue or "",
        "time_zone": event.time_zone,
        "currency": event.currency,
        "seen_version": str(Event.objects.get(pk=event.pk).version),
        **times,
        **changes,
    }


def test_the_list_shows_how_events_stand(admin: Client, booking: BookingService) -> None:
    now = timezone.now()
    full = now_open(max_seats=3)
    half = now_open(max_seats=4, starts_at=datetime(2026, 3, 7, 2, tzinfo=UTC))
    changed = now_open()
    EventFactory.create(booking_start_at=now + timedelta(days=1), booking_end_at=now + timedelta(2))
    EventFactory.create()
    EventFactory.create(cancelled_at=now)
    booking.knows(full, confirmed=3, waiting=2)
    booking.knows(half, confirmed=2)
    booking.knows(changed, version=0)

    shown = page(admin, CHANGELIST + "?o=")

    assert sorted(cells(shown, "state")) == sorted(
        ["Sold out", "Open", "Open", "Upcoming", "Closed", "Cancelled"]
    )
    assert sorted(cells(shown, "copy")) == sorted(["Up to date"] * 2 + ["On its way"] * 4)
    assert "3 of 3 · 2 waiting" in shown
    assert '<progress class="desk-bar" max="4" value="2" aria-label="Seats taken">' in shown
    assert "Sat 7 Mar 2026, 09:00 (Bangkok time)" in shown
    assert len(booking.asked) == 1, "one call for the whole page"


def frozen(settings: Any) -> Iterator[None]:
    with frozen_server() as settings.BOOKING_URL:
        yield


def refusing(settings: Any) -> Iterator[None]:
    with frozen_server() as settings.BOOKING_URL:
        pass
    yield


def without_address(settings: Any) -> Iterator[None]:
    settings.BOOKING_URL = ""
    yield


@pytest.mark.parametrize("away", [frozen, refusing, without_address])
def test_without_an_answer_the_pages_say_unknown(admin: Client, settings: Any, away: Any) -> None:
    event = now_open(max_seats=7)

    with contextmanager(away)(settings):
        began = time.monotonic()
        shown = page(admin)
        waited = time.monotonic() - began
        single = page(admin, change_page(event))

    assert cells(shown, "copy") == ["Unknown"]
    assert cells(shown, "state") == ["Open"]
    assert "7 seats" in shown
    assert waited < PATIENCE_SECONDS
    assert "Unknown" in single


@pytest.mark.parametrize(
    "body", [b"{", b"{}", b"[1]", b'[{"id": 1}]', b"null", b" " * 2_000_000 + b"[]"]
)
def test_a_strange_answer_is_no_answer(admin: Client, booking: BookingService, body: bytes) -> None:
    now_open()
    booking.body = body

    assert cells(page(admin), "copy") == (["On its way"] if body == b"{}" else ["Unknown"])


def test_the_frozen_service_is_waited_for_only_once_and_briefly(
    admin: Client, settings: Any
) -> None:
    from event_project.events.admin import standings

    insert_events(60)
    with frozen_server() as settings.BOOKING_URL:
        began = time.monotonic()
        standings.look_up(list(Event.objects.all()))
        assert standings.SECONDS <= time.monotonic() - began < PATIENCE_SECONDS


def test_pages_of_200_events_need_few_queries(admin: Client, booking: BookingService) -> None:
    insert_events(200, description="x" * 1000)
    event = Event.objects.first()
    assert event is not None

    for path, most in ((CHANGELIST, 7), (change_page(event), 6), (CHANGELIST + "add/", 4)):
        with CaptureQueriesContext(connection) as queries:
            page(admin, path)
        assert len(queries) <= most, [query["sql"] for query in queries]


def test_fewer_seats_than_guests_are_confirmed_first(
    admin: Client, booking: BookingService
) -> None:
    event = now_open(max_seats=10)
    booking.knows(event, confirmed=8, waiting=3)
    sent = form_of(event, max_seats="5", description="two\r\nlines")

    asked = admin.post(change_page(event), sent)

    text = asked.content.decode()
    assert "8 guests have seats. With 5 nobody loses a seat" in text
    assert Event.objects.get().version == 1
    assert '<input type="hidden" name="max_seats" value="5">' in text
    done = admin.post(change_page(event), {**sent, "confirmed": ["fewer_seats"]})
    assert done.status_code == 302
    stored = Event.objects.get()
    assert (stored.max_seats, stored.version, stored.description) == (5, 2, "two\nlines")


def test_a_change_can_be_taken_back_to_the_form(admin: Client, booking: BookingService) -> None:
    event = now_open(max_seats=10)
    booking.knows(event, confirmed=8)
    sent = {**form_of(event, max_seats="5"), "confirmed": ["fewer_seats"], "_edit": "yes"}

    again = admin.post(change_page(event), sent)

    assert again.status_code == 200
    assert "Nothing has been saved yet." in again.content.decode()
    assert 'name="max_seats" value="5"' in again.content.decode()
    assert Event.objects.get().version == 1


def test_what_was_not_confirmed_is_asked(admin: Client, booking: BookingService) -> None:
    event = now_open(max_seats=10, venue="Here")
    booking.knows(event, confirmed=8)
    sent = form_of(event, max_seats="5", venue="There")

    again = admin.post(change_page(event), {**sent, "confirmed": ["moved"]})

    assert again.status_code == 200
    assert Event.objects.get().version == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_seats": "12"}, "2 guests move up from the waitlist, and get a mail."),
        ({"max_seats": "11"}, "1 guest moves up from the waitlist, and gets a mail."),
        ({"waitlist_limit": "2"}, "3 guests wait. They keep their places in line"),
        ({"booking_end_at_0": "2026-01-01", "booking_start_at_0": "2025-01-01"}, "closes at once"),
        ({"booking_start_at_0": "2098-01-01", "booking_end_at_0": "2099-01-01"}, "Nobody can book"),
        ({"venue": "There"}, "Guests who have booked get no mail"),
    ],
)
def test_what_a_change_does_is_said_before(
    admin: Client, booking: BookingService, changes: dict[str, str], words: str
) -> None:
    event = now_open(max_seats=10, venue="Here")
    booking.knows(event, confirmed=10, waiting=3)

    asked = admin.post(change_page(event), form_of(event, **changes))

    assert words in asked.content.decode()
    assert Event.objects.get().version == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Renamed"},
        {"max_seats": "8"},
        {"waitlist_limit": "9"},
        {"price": "1"},
        {"description": "New"},
    ],
)
def test_a_harmless_change_is_done_at_once(
    admin: Client, booking: BookingService, changes: dict[str, str]
) -> None:
    event = now_open(max_seats=10)
    booking.knows(event, confirmed=8)

    assert admin.post(change_page(event), form_of(event, **changes)).status_code == 302
    assert Event.objects.get().version == 2


def test_cancelling_says_how_many_guests_it_concerns(
    admin: Client, booking: BookingService
) -> None:
    event, empty, unknown = now_open(), now_open(), now_open()
    booking.knows(event, confirmed=8, waiting=3)
    booking.knows(empty)
    selected = [event.pk, empty.pk, unknown.pk]

    asked = admin.post(CHANGELIST, {"action": "cancel_selected", "_selected_action": selected})

    text = asked.content.decode()
    assert "8 guests lose their seats and 3 on the waitlist their places." in text
    assert "Nobody has booked." in text
    assert "How many there are isn&#x27;t known right now." in text
    assert not Event.objects.exclude(cancelled_at=None).exists()


def test_an_event_can_be_duplicated(admin: Client) -> None:
    event = now_open(description="# Two days", venue="BITEC", currency="EUR", price="9.50")
    path = f"{CHANGELIST}add/?copy={event.pk}"
    assert f'href="{path}"' in page(admin, change_page(event))

    text = page(admin, path)

    assert "# Two days" in text
    assert 'value="BITEC"' in text
    assert 'value="EUR" selected' in text
    assert Event.objects.count() == 1
    for nonsense in ("", "x", "99999999", "9" * 30):
        assert admin.get(f"{CHANGELIST}add/?copy={nonsense}").status_code == 200


def test_a_new_event_begins_with_the_defaults(admin: Client) -> None:
    text = page(admin, CHANGELIST + "add/")

    assert 'value="Asia/Bangkok" selected' in text
    assert 'value="THB" selected' in text


def test_inputs_have_limits_and_refusals_the_words_of_the_api(admin: Client) -> None:
    text = page(admin, CHANGELIST + "add/")
    assert 'min="1"' in text
    assert 'max="2147483647"' in text
    assert 'maxlength="10000"' in text

    event = now_open()
    sent = form_of(event, max_seats="0", price="-1", venue="a\tb", ends_at_0="2020-01-01")
    sent |= {"ends_at_1": "00:00", "starts_at_0": "2020-01-02", "starts_at_1": "00:00"}
    answer = admin.post(CHANGELIST + "add/", sent)

    assert answer.context["adminform"].form.errors == {
        "max_seats": ["max_seats must be greater than 0"],
        "price": ["price must not be negative"],
        "venue": ["Not a valid string."],
        "ends_at": ["ends_at must not be before starts_at"],
    }


def test_the_page_of_an_event_leads_to_its_bookings_and_shows_its_description(
    admin: Client, booking: BookingService
) -> None:
    event = now_open(description="**Bold** <script>alert(1)</script> ![x](http://evil.example/x)")

    text = page(admin, change_page(event))

    assert f'href="https://booking.example/admin/bookings/event/{event.pk}/change/"' in text
    assert f'href="https://booking.example/events/{event.pk}"' in text
    assert "<strong>Bold</strong> &lt;script&gt;" in text
    assert "<img" not in text.partition('class="event-description"')[2].partition("</div>")[0]


@pytest.mark.parametrize(
    "state",
    ["open", "upcoming", "closed", "cancelled"],
)
def test_events_are_found_by_their_state(admin: Client, state: str) -> None:
    now = timezone.now()
    now_open(name="is open")
    EventFactory.create(
        name="is upcoming", booking_start_at=now + timedelta(1), booking_end_at=now + timedelta(2)
    )
    EventFactory.create(name="is closed")
    now_open(name="is cancelled", cancelled_at=now)

    shown = page(admin, f"{CHANGELIST}?state={state}")

    names = ["is open", "is upcoming", "is closed", "is cancelled"]
    assert [name for name in names if f">{name}<" in shown] == [f"is {state}"]


def test_the_desk_speaks_thai(admin: Client, booking: BookingService) -> None:
    event = now_open()
    booking.knows(event, confirmed=50)

    shown = admin.get(CHANGELIST, headers={"accept-language": "th"}).content.decode()

    assert cells(shown, "state") == ["เต็มแล้ว"]
    assert "50 จาก 50" in shown
