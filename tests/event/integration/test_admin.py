"""Admins create and inspect events; nobody changes or deletes one here."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from event_project.events.models import Event
from shared.outbox.models import OutboxMessage
from tests.event.factories import EventFactory

pytestmark = pytest.mark.django_db

CHANGELIST = "/admin/events/event/"
FORM = {
    "name": "From the admin",
    "max_seats": "50",
    "waitlist_limit": "5",
    "price": "2500.50",
    "booking_start_at_0": "2026-02-20",
    "booking_start_at_1": "10:00:00",
    "booking_end_at_0": "2026-02-25",
    "booking_end_at_1": "10:00:00",
}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form again"
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def test_strangers_are_sent_to_the_login(client: Client) -> None:
    response = client.get(CHANGELIST)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_the_list_shows_events_and_finds_them_by_name_and_id(admin: Client) -> None:
    wanted, other = EventFactory.create(name="Wanted"), EventFactory.create(name="Other")

    for query in ("", "?q=wanted", f"?q={wanted.pk}", "?booking_start_at__gte=2026-01-01T00:00Z"):
        response = admin.get(CHANGELIST + query)
        assert response.status_code == 200
        assert b"Wanted" in response.content
    assert b"Other" not in admin.get(CHANGELIST + "?q=wanted").content
    assert b"Wanted" not in admin.get(CHANGELIST + f"?q={other.pk}").content


def test_the_form_creates_an_event_and_its_message(admin: Client) -> None:
    response = admin.post(CHANGELIST + "add/", FORM)

    assert response.status_code == 302
    event = Event.objects.get()
    assert (event.name, event.max_seats, str(event.price)) == ("From the admin", 50, "2500.50")
    assert (event.version, event.cancelled_at) == (1, None)
    row = OutboxMessage.objects.get()
    assert (row.body["id"], row.body["price"]) == (event.pk, 2500.5)
    assert row.body["booking_start_at"] == "2026-02-20T10:00:00Z"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "   "}, id="no name"),
        pytest.param({"name": "\u200b"}, id="a name of zero widths"),
        pytest.param({"max_seats": "0"}, id="no seats"),
        pytest.param({"max_seats": str(2**31)}, id="seats beyond the column"),
        pytest.param({"waitlist_limit": "-1"}, id="negative waitlist"),
        pytest.param({"price": "-1"}, id="negative price"),
        pytest.param({"price": "1.005"}, id="three decimals"),
        pytest.param({"booking_end_at_0": "2026-02-20"}, id="end at the start"),
        pytest.param({"booking_end_at_0": "2026-02-19"}, id="end before the start"),
    ],
)
def test_the_form_refuses_what_the_api_refuses(admin: Client, changes: dict[str, str]) -> None:
    response = admin.post(CHANGELIST + "add/", {**FORM, **changes})

    assert errors(response)
    assert not Event.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_an_event_can_be_looked_at_but_neither_changed_nor_deleted(admin: Client) -> None:
    event = EventFactory.create(name="As announced")
    page = f"{CHANGELIST}{event.pk}/"

    assert b"As announced" in admin.get(page + "change/").content
    assert admin.post(page + "change/", {**FORM, "name": "Changed"}).status_code == 403
    assert admin.post(page + "delete/", {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    admin.post(CHANGELIST, bulk)

    event.refresh_from_db()
    assert event.name == "As announced"
