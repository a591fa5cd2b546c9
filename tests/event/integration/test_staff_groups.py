"""What members of each group can do in the event service: in the admin and with the API."""

import io
import json
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse
from django.test import Client

from event_project.events.models import Event
from tests.support.admin import member
from tests.support.authorization import AskForTokens
from tests.support.event.factories import EventFactory

pytestmark = pytest.mark.django_db

ADMIN = "/admin/events/event/"
API = "/api/v1/events"
NEW = {
    "name": "By a member",
    "max_seats": 5,
    "booking_start_at": "2026-01-01T00:00:00Z",
    "booking_end_at": "2036-01-01T00:00:00Z",
}


def sends(method: str, path: str, body: object = None) -> Callable[[Client, Event], HttpResponse]:
    def send(client: Client, event: Event) -> HttpResponse:
        return client.generic(
            method,
            path.format(event.pk),
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
        )

    return send


def cancels(client: Client, event: Event) -> HttpResponse:
    sent = {"action": "cancel_selected", "_selected_action": [event.pk], "confirmed": "yes"}
    return client.post(ADMIN, sent, follow=True)


CALLS: dict[str, Callable[[Client, Event], HttpResponse]] = {
    "start page": sends("GET", "/admin/"),
    "list": sends("GET", ADMIN),
    "page of an event": sends("GET", f"{ADMIN}{{}}/change/"),
    "page of a new event": sends("GET", f"{ADMIN}add/"),
    "users": sends("GET", "/admin/auth/user/"),
    "groups": sends("GET", "/admin/auth/group/"),
    "API: list": sends("GET", API),
    "API: create": sends("POST", API, NEW),
    "API: change": sends("PATCH", f"{API}/{{}}", {"name": "Changed"}),
    "API: cancel": sends("POST", f"{API}/{{}}/cancel"),
}
SEES = {
    "start page": 200,
    "list": 200,
    "page of an event": 200,
    "page of a new event": 403,
    "users": 403,
    "groups": 403,
    "API: list": 200,
    "API: create": 403,
    "API: change": 403,
    "API: cancel": 403,
}
PLANS = {
    **SEES,
    "page of a new event": 200,
    "API: create": 201,
    "API: change": 200,
    "API: cancel": 200,
}
MATRIX = {"viewer": SEES, "agent": SEES, "manager": PLANS}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("group", MATRIX)
def test_members_may_do_what_their_group_is_for(
    client: Client, ask_for_tokens: AskForTokens, group: str, call: str
) -> None:
    ask_for_tokens()
    client.force_login(member(group))

    assert CALLS[call](client, EventFactory()).status_code == MATRIX[group][call]


@pytest.mark.parametrize(("group", "cancelled"), [("viewer", 0), ("agent", 0), ("manager", 1)])
def test_only_managers_cancel_events_in_the_admin(
    client: Client, group: str, cancelled: int
) -> None:
    client.force_login(member(group))

    cancels(client, EventFactory())

    assert Event.objects.exclude(cancelled_at=None).count() == cancelled


def test_there_are_the_three_groups_and_migrating_gives_them_their_permissions_back() -> None:
    def held() -> dict[str, set[str]]:
        return {
            group.name: {
                f"{label}.{codename}"
                for label, codename in group.permissions.values_list(
                    "content_type__app_label", "codename"
                )
            }
            for group in Group.objects.all()
        }

    expected = {name: set(given) for name, given in settings.STAFF_GROUPS.items()}
    assert held() == expected

    Group.objects.get(name="viewer").permissions.add(Permission.objects.get(codename="add_event"))
    Group.objects.get(name="manager").delete()
    call_command("migrate", verbosity=0)

    assert held() == expected


def make_staff(monkeypatch: pytest.MonkeyPatch, password: str, *words: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("make_staff", *words, verbosity=0, stdout=io.StringIO())


def test_make_staff_makes_a_member_who_can_log_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(monkeypatch, "long enough 1", "nok", "--group", "agent")

    user = User.objects.get()
    assert (user.is_staff, user.is_superuser) == (True, False)
    assert [group.name for group in user.groups.all()] == ["agent"]
    assert user.check_password("long enough 1")


@pytest.mark.parametrize(
    ("password", "words", "why"),
    [
        ("long enough 1", ["nok", "--group", "boss"], "no group 'boss'"),
        ("long enough 1", ["taken", "--group", "agent"], "a user 'taken' already"),
        ("", ["nok", "--group", "agent"], "too short"),
        ("password", ["nok", "--group", "agent"], "too common"),
    ],
)
def test_make_staff_says_why_it_makes_nobody(
    monkeypatch: pytest.MonkeyPatch, password: str, words: list[str], why: str
) -> None:
    User.objects.create_user("taken")

    with pytest.raises(CommandError, match=why):
        make_staff(monkeypatch, password, *words)

    assert User.objects.count() == 1
