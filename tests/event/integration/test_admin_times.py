"""Times in the admin are shown with their zone, and read in the zone in which they were shown."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.templatetags.static import static
from django.test import Client

from event_project.events.models import Event
from shared.times.middleware import COOKIE, FORM_FIELD
from tests.support.event.factories import EventFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 2, 20, 10, tzinfo=UTC)
END = datetime(2026, 2, 25, 10, tzinfo=UTC)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def event() -> Event:
    created: Event = EventFactory.create(booking_start_at=START, booking_end_at=END)
    return created


def page(admin: Client, path: str) -> str:
    response = admin.get(path)
    assert response.status_code == 200
    return response.content.decode()


def path_of(event: Event) -> str:
    return f"/admin/events/event/{event.pk}/change/"


def save(admin: Client, event: Event, *, time: str, shown_in: str | None) -> datetime:
    """Sends the form with that time as the start of booking; returns what is stored then."""
    sent = {
        "name": event.name,
        "max_seats": str(event.max_seats),
        "waitlist_limit": str(event.waitlist_limit),
        "price": str(event.price),
        "booking_start_at_0": "2026-02-20",
        "booking_start_at_1": time,
        "booking_end_at_0": "2026-03-01",
        "booking_end_at_1": "00:00:00",
        "time_zone": event.time_zone,
        "currency": event.currency,
        "seen_version": str(Event.objects.get(pk=event.pk).version),
    }
    if shown_in is not None:
        sent[FORM_FIELD] = shown_in
    assert admin.post(path_of(event), sent).status_code == 302
    return Event.objects.get(pk=event.pk).booking_start_at


@pytest.mark.parametrize("zone", ["", "America/New_York"])
def test_the_list_shows_times_in_the_zone_of_the_event_and_says_so(
    admin: Client, event: Event, zone: str
) -> None:
    admin.cookies[COOKIE] = zone
    shown = "Fri 20 Feb 2026, 17:00 – Wed 25 Feb 2026, 17:00 (Bangkok time)"

    assert shown in page(admin, "/admin/events/event/")


def test_without_javascript_times_are_utc_and_say_so(admin: Client, event: Event) -> None:
    form = page(admin, path_of(event))
    assert f"{event.created_at:%H:%M:%S} UTC" in form
    assert 'value="10:00:00"' in form
    assert form.count('<span class="timezone">UTC</span>') == 4


def test_times_are_shown_in_the_zone_of_the_browser(admin: Client, event: Event) -> None:
    admin.cookies[COOKIE] = "Asia/Bangkok"

    form = page(admin, path_of(event))
    assert 'value="17:00:00"' in form
    assert form.count('<span class="timezone">Asia/Bangkok</span>') == 4
    assert f'<input type="hidden" name="{FORM_FIELD}" value="Asia/Bangkok">' in form


@pytest.mark.parametrize(
    ("cookie", "shown_in", "stored_hour"),
    [
        (None, None, 9),
        (None, "UTC", 9),
        ("Asia/Bangkok", "Asia/Bangkok", 2),
        # The form was shown before the zone was known.
        ("Asia/Bangkok", "UTC", 9),
        ("America/New_York", "Asia/Bangkok", 2),
        ("Asia/Bangkok", None, 2),
    ],
)
def test_what_is_typed_is_read_in_the_zone_that_was_shown(
    admin: Client, event: Event, cookie: str | None, shown_in: str | None, stored_hour: int
) -> None:
    if cookie is not None:
        admin.cookies[COOKIE] = cookie

    stored = save(admin, event, time="09:00:00", shown_in=shown_in)

    assert stored == datetime(2026, 2, 20, stored_hour, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "America", "", "x" * 4000])
def test_an_unknown_zone_counts_as_utc(admin: Client, event: Event, name: str) -> None:
    admin.cookies[COOKIE] = name

    assert '<span class="timezone">UTC</span>' in page(admin, path_of(event))
    assert save(admin, event, time="09:00:00", shown_in=name).hour == 9


def test_every_page_loads_the_script_from_this_host_and_none_inline(
    admin: Client, event: Event
) -> None:
    login = Client().get("/admin/login/").content.decode()
    script = static("times/time_zone.js")
    for text in (login, page(admin, path_of(event))):
        assert f'src="{script}" data-shown="UTC" data-may-reload>' in text
        assert "<script>" not in text


def test_the_response_to_a_form_is_not_reloaded(admin: Client, event: Event) -> None:
    answer = admin.post(path_of(event), {"name": ""})

    assert answer.status_code == 200
    assert "data-may-reload" not in answer.content.decode()


def test_the_api_uses_utc_whatever_the_browser_says(admin: Client, event: Event) -> None:
    admin.cookies[COOKIE] = "Asia/Bangkok"

    shown = admin.get(f"/api/v1/events/{event.pk}", headers={"accept": "application/json"}).json()

    assert shown["booking_start_at"] == "2026-02-20T10:00:00Z"
