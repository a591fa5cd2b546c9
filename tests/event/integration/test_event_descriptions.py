"""What people want to know of an event: all of it is optional, and may be unknown."""

from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from event_project.events.api.serializers import EventInput
from event_project.events.models import Event
from shared.db.constraints import words_for
from shared.formats.json import dump_json
from tests.support.event.factories import EventFactory, rows
from tests.support.event.http import EVENTS, VALID, assert_problem, patch, post, valid
from tests.support.event.messages import last_body

pytestmark = pytest.mark.django_db

KNOWN = {
    "description": "# ยินดีต้อนรับ\n\n- one\n-\ttwo <b>&</b> <script>alert(1)</script>",
    "venue": "BITEC, Bangkok",
    "starts_at": "2026-03-07T02:00:00Z",
    "ends_at": "2026-03-08T10:00:00Z",
    "time_zone": "Asia/Kolkata",
    "currency": "INR",
    "waiting_room_rate": 50,
}
UNKNOWN = {
    "description": None,
    "venue": None,
    "starts_at": None,
    "ends_at": None,
    "time_zone": "Asia/Bangkok",
    "currency": "THB",
    "waiting_room_rate": None,
}


def described(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in KNOWN}


def test_what_is_known_is_stored_returned_listed_and_announced(client: Client) -> None:
    created = post(client, valid(**KNOWN))

    assert created.status_code == 201, created.content
    event = created.json()
    assert described(event) == KNOWN
    assert client.get(f"{EVENTS}/{event['id']}").json() == event
    assert client.get(EVENTS).json() == [event]
    assert last_body() == event


def test_null_means_unknown(client: Client) -> None:
    nulls = {name: None for name, value in UNKNOWN.items() if value is None}

    event = post(client, valid(**nulls)).json()

    assert described(event) == UNKNOWN


def test_what_was_known_can_become_unknown(client: Client) -> None:
    event = post(client, valid(**KNOWN)).json()
    nulls = {name: None for name, value in UNKNOWN.items() if value is None}

    changed = patch(client, event["id"], nulls).json()

    assert described(changed) == {**KNOWN, **nulls}
    assert last_body() == changed


def test_a_description_may_have_10_000_characters_however_they_are_written(client: Client) -> None:
    line = "ก" * 99 + "\r\n"
    body = dump_json(valid(description="😀"))

    assert post(client, valid(description=line * 100 + "x")).status_code == 400
    created = post(client, valid(description=line * 99 + "ก" * 100))
    escaped = post(client, body.replace("😀".encode(), b"\\ud83d\\ude00" * 10_000))

    assert created.json()["description"] == ("ก" * 99 + "\n") * 99 + "ก" * 100
    assert escaped.json()["description"] == "😀" * 10_000


@pytest.mark.parametrize(
    "times",
    [
        {"starts_at": "2026-03-07T09:00:00+07:00", "ends_at": "2026-03-07T02:00:00Z"},
        {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2040-01-01T00:00:00Z"},
        {"starts_at": "2020-01-01T00:00:00Z", "ends_at": None},
        {"starts_at": None, "ends_at": "2020-01-01T00:00:00Z"},
    ],
    ids=["a moment", "around the booking window", "no end", "no start"],
)
def test_an_event_may_take_place_whenever(client: Client, times: dict[str, str | None]) -> None:
    assert post(client, valid(**times)).status_code == 201


def test_an_event_cannot_end_before_it_starts(client: Client) -> None:
    message = "ends_at must not be before starts_at"
    early = {"starts_at": "2026-03-07T09:00:00+07:00", "ends_at": "2026-03-07T01:59:59Z"}

    refused = post(client, valid(**early))

    problem = assert_problem(refused, 400, code="invalid_input", message=message)
    assert problem["errors"] == {"ends_at": [message]}
    event = post(client, valid(**KNOWN)).json()
    for change in ({"ends_at": "2026-03-07T01:59:59Z"}, {"starts_at": "2026-03-08T10:00:01Z"}):
        refused = patch(client, event["id"], change)
        assert_problem(refused, 400, code="invalid_input", message=message)
    assert client.get(f"{EVENTS}/{event['id']}").json() == event


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"description": ""}, "description must have 1 to 10000 characters"),
        ({"description": "x" * 10_001}, "description must have 1 to 10000 characters"),
        ({"venue": ""}, "venue must not be empty"),
        ({"time_zone": ""}, "time_zone must not be empty"),
        ({"currency": "thb"}, "currency must have three capital letters"),
        ({"waiting_room_rate": 0}, "waiting_room_rate must be from 1 to 10000"),
        ({"waiting_room_rate": 10_001}, "waiting_room_rate must be from 1 to 10000"),
        (
            {"starts_at": "2026-03-07T00:00:01Z", "ends_at": "2026-03-07T00:00:00Z"},
            "ends_at must not be before starts_at",
        ),
    ],
)
def test_the_database_refuses_what_nothing_else_caught(values: dict[str, Any], words: str) -> None:
    event = EventFactory()

    with pytest.raises(IntegrityError) as refusal:
        rows().filter(pk=event.pk).update(**values)

    assert words_for(refusal.value) == words


def test_a_process_from_before_the_upgrade_goes_on_inserting(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO events_event (name, max_seats, waitlist_limit, price, booking_start_at,
                                         booking_end_at, created_at, updated_at, version)
               VALUES ('old', 1, 0, 0, now(), now() + interval '1 day', now(), now(), 1)"""
        )

    event = client.get(f"{EVENTS}/{Event.objects.get().pk}").json()

    assert described(event) == UNKNOWN


def test_a_request_without_the_new_fields_has_the_fingerprint_it_had_before() -> None:
    """So a client that began before an upgrade can still retry."""
    form = EventInput(data=VALID)
    form.is_valid(raise_exception=True)

    in_order = {name: form.validated_data[name] for name in sorted(form.validated_data)}

    assert sorted(in_order) == sorted(VALID)
    assert sha256(dump_json(in_order)).hexdigest() == (
        sha256(
            b'{"booking_end_at":"2026-02-25T10:00:00Z","booking_start_at":"2026-02-20T10:00:00Z",'
            b'"max_seats":50,"name":"Golang Workshop Bangkok","price":2500,"waitlist_limit":5}'
        ).hexdigest()
    )
