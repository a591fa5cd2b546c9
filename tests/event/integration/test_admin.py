"""Admins create, change, cancel and inspect events, but don't delete them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.forms import SplitDateTimeField
from django.test import Client

from event_project.events.admin import forms
from event_project.events.models import Event
from event_project.events.services import event_cancel, event_update
from shared.db.constraints import says_itself
from tests.support.event.factories import EventFactory
from tests.support.event.messages import announced, forget, last_body
from tests.support.outbox import stored

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
    "time_zone": "Asia/Bangkok",
    "currency": "THB",
}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form again"
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def test_anonymous_users_are_sent_to_the_login(client: Client) -> None:
    response = client.get(CHANGELIST)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_the_list_shows_events_and_finds_them_by_name_and_id(admin: Client) -> None:
    wanted, other = EventFactory.create(name="Wanted"), EventFactory.create(name="Other")

    for query in (
        "",
        "?q=wanted",
        "?q=+ANTE+",
        f"?q={wanted.pk}",
        "?booking_start_at__gte=2026-01-01T00:00Z",
    ):
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
    [row] = stored()
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
    assert not stored()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_seats": "0"}, "max_seats must be greater than 0"),
        ({"waitlist_limit": "-1"}, "waitlist_limit must not be negative"),
        ({"price": "-1"}, "price must not be negative"),
        ({"booking_end_at_0": "2026-02-19"}, "booking_end_at must be after booking_start_at"),
    ],
)
def test_the_form_says_in_words_what_is_wrong(
    admin: Client, changes: dict[str, str], words: str
) -> None:
    page = admin.post(CHANGELIST + "add/", {**FORM, **changes}).content.decode()

    assert words in page
    assert [each.name for each in Event._meta.constraints if each.name in page] == []


def test_every_constraint_that_the_admin_can_violate_has_its_own_message() -> None:
    """The form shows the message of a constraint, and Django's own names the constraint."""
    ours = [model for model in site._registry if model.__module__.startswith("event_project")]

    silent = [
        constraint.name
        for model in ours
        for constraint in model._meta.constraints
        if not says_itself(constraint)
    ]

    assert ours
    assert silent == []


@pytest.fixture
def _secret_constraint() -> None:
    """A constraint that only the database has."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_event ADD CONSTRAINT secret CHECK (name <> 'Refused')")


@pytest.mark.usefixtures("_secret_constraint")
def test_an_error_that_only_the_database_finds_does_not_name_the_constraint(
    admin: Client,
) -> None:
    response = admin.post(CHANGELIST + "add/", {**FORM, "name": "Refused"}, follow=True)

    assert response.status_code == 200
    assert "The database refuses these values." in response.content.decode()
    assert "secret" not in response.content.decode()
    assert not Event.objects.exists()


def test_an_error_of_the_database_is_shown_in_the_words_of_its_constraint(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks of the form are turned off."""
    monkeypatch.delitem(forms._RULES, "max_seats")
    monkeypatch.setattr(Event, "full_clean", lambda self, **_: None)

    response = admin.post(CHANGELIST + "add/", {**FORM, "max_seats": "0"}, follow=True)

    assert "Max_seats must be greater than 0" in response.content.decode()
    assert "event_has_seats" not in response.content.decode()


def test_lowering_the_seats_warns_about_seats_that_are_taken(admin: Client, event: Event) -> None:
    assert "nobody loses a seat" in admin.get(change_page(event)).content.decode()

    sent = filled_in(admin, event, max_seats="5")
    fewer = admin.post(change_page(event), sent)
    event.refresh_from_db()

    assert "If more than 5 seats are taken, everybody keeps theirs" in fewer.content.decode()
    assert event.max_seats == 10
    confirmed = admin.post(change_page(event), {**sent, "confirmed": "fewer_seats"})
    assert confirmed.status_code == 302
    event.refresh_from_db()
    assert event.max_seats == 5
    more = admin.post(change_page(event), filled_in(admin, event, max_seats="7"))
    assert more.status_code == 302


def change_page(event: Event) -> str:
    return f"{CHANGELIST}{event.pk}/change/"


def filled_in(admin: Client, event: Event, **changes: str) -> dict[str, str]:
    """The change form as a browser would send it back, with some fields changed."""
    form = admin.get(change_page(event)).context["adminform"].form
    sent = {}
    for bound in form:
        value = bound.value()
        names = [f"{bound.name}_{n}" for n in (0, 1)]
        if isinstance(value, datetime):
            sent |= dict(zip(names, (f"{value:%Y-%m-%d}", f"{value:%H:%M:%S}"), strict=True))
        elif isinstance(bound.field, SplitDateTimeField):
            sent |= dict.fromkeys(names, "")
        else:
            sent[bound.name] = "" if value is None else str(value)
    return {**sent, **changes}


@pytest.fixture
def event() -> Event:
    created: Event = EventFactory.create(name="As announced", max_seats=10)
    forget()
    return created


def test_the_form_changes_an_event_by_one_version_and_announces_it(
    admin: Client, event: Event
) -> None:
    sent = filled_in(admin, event, name="  Renamed ", max_seats="11", booking_end_at_0="2026-03-01")

    response = admin.post(change_page(event), sent)

    assert response.status_code == 302
    event.refresh_from_db()
    assert (event.name, event.max_seats, event.version) == ("Renamed", 11, 2)
    assert event.booking_end_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert announced() == [("event.updated", event.pk, 2)]
    assert last_body()["name"] == "Renamed"


def test_an_unchanged_form_changes_nothing(admin: Client, event: Event) -> None:
    response = admin.post(change_page(event), filled_in(admin, event))

    assert response.status_code == 302
    event.refresh_from_db()
    assert event.version == 1
    assert announced() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "\u200b"},
        {"max_seats": "0"},
        {"price": "-1"},
        {"booking_end_at_0": "2026-02-20"},
        {"seen_version": ""},
        {"seen_version": "x"},
    ],
)
def test_the_form_refuses_a_bad_change(
    admin: Client, event: Event, changes: dict[str, str]
) -> None:
    response = admin.post(change_page(event), filled_in(admin, event, **changes))

    assert errors(response)
    event.refresh_from_db()
    assert (event.name, event.version) == ("As announced", 1)
    assert announced() == []


def test_a_concurrent_change_is_not_overwritten(admin: Client, event: Event) -> None:
    sent = filled_in(admin, event, name="Mine")
    event_update(event_id=event.pk, changes={"name": "Theirs"})

    response = admin.post(change_page(event), sent)

    assert "changed in the meantime" in errors(response)["__all__"][0]
    assert b"changed in the meantime" in response.content
    event.refresh_from_db()
    assert (event.name, event.version) == ("Theirs", 2)


def test_version_and_times_are_shown_and_not_taken_from_the_form(
    admin: Client, event: Event
) -> None:
    page = admin.get(change_page(event)).content
    assert b"Grows by one with every change." in page

    sent = filled_in(admin, event, version="9", cancelled_at="2026-01-01", created_at="2026-01-01")
    admin.post(change_page(event), sent)

    stored = Event.objects.get()
    assert (stored.version, stored.cancelled_at) == (1, None)
    assert stored.created_at == event.created_at


def test_a_cancelled_event_can_be_looked_at_but_not_changed(admin: Client, event: Event) -> None:
    sent = filled_in(admin, event, name="Changed")
    event_cancel(event_id=event.pk)

    page = admin.get(change_page(event))

    assert page.status_code == 200
    assert b"As announced" in page.content
    assert b'name="_save"' not in page.content
    assert b"Cancel this event" not in page.content
    assert admin.post(change_page(event), sent).status_code == 403
    assert Event.objects.get().name == "As announced"


def test_nothing_is_deleted(admin: Client, event: Event) -> None:
    assert b"delete" not in admin.get(change_page(event)).content.lower()
    assert admin.post(f"{CHANGELIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    admin.post(CHANGELIST, bulk)

    assert Event.objects.count() == 1


def cancel_selected(admin: Client, *events: Event, **more: str) -> Any:
    selected = {"action": "cancel_selected", "_selected_action": [event.pk for event in events]}
    return admin.post(CHANGELIST, {**selected, **more})


def test_cancelling_selected_events_asks_first(admin: Client, event: Event) -> None:
    response = cancel_selected(admin, event)

    assert response.status_code == 200
    assert "can't be undone" in response.content.decode()
    assert str(event) in response.content.decode()
    assert announced() == []


def test_confirming_cancels_the_events_and_leaves_cancelled_ones_alone(
    admin: Client, event: Event
) -> None:
    other, third = EventFactory.create(), EventFactory.create()
    cancelled = event_cancel(event_id=other.pk)
    forget()

    response = cancel_selected(admin, event, other, confirmed="Yes, cancel")

    assert response.status_code == 302
    assert announced() == [("event.cancelled", event.pk, 2)]
    assert Event.objects.get(pk=other.pk).version == cancelled.version
    assert Event.objects.get(pk=third.pk).cancelled_at is None
    assert b"1 event cancelled." in admin.get(CHANGELIST).content
    assert LogEntry.objects.get().change_message == "Cancelled."


def test_the_page_of_an_event_has_a_cancel_button(admin: Client, event: Event) -> None:
    page = admin.get(change_page(event)).content.decode()

    assert 'value="Cancel this event"' in page
    assert f'<form method="post" action="{CHANGELIST}">' in page
    assert '<input type="hidden" name="action" value="cancel_selected">' in page
    assert f'<input type="hidden" name="_selected_action" value="{event.pk}">' in page


def test_users_with_view_permission_can_neither_change_nor_cancel(
    client: Client, event: Event
) -> None:
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    client.force_login(user)

    page = client.get(change_page(event))

    assert page.status_code == 200
    assert b"Cancel this event" not in page.content
    assert client.post(change_page(event), {**FORM, "seen_version": "1"}).status_code == 403
    cancel_selected(client, event, confirmed="Yes, cancel")
    assert announced() == []
