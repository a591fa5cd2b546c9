"""A request's trace continues in the message that it causes."""

import re

import pytest
from django.test import Client

from event_project.events.models import Event
from tests.support.event.factories import EventFactory
from tests.support.event.http import VALID, post
from tests.support.outbox import stored

pytestmark = pytest.mark.django_db

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def traceparent() -> str:
    header: str = stored()[-1].headers["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", header)
    return header


def test_a_message_is_a_new_step_in_the_trace_of_its_request(client: Client) -> None:
    event = Event.objects.get(pk=post(client, VALID).json()["id"])
    sent = f"00-{TRACE}-00f067aa0ba902b7-01"

    path = f"/api/v1/events/{event.pk}/cancel"
    client.post(path, content_type="application/json", headers={"traceparent": sent})

    assert traceparent().startswith(f"00-{TRACE}-")
    assert traceparent().endswith("-01")
    assert traceparent() != sent


@pytest.mark.parametrize(
    "sent", ["", "nonsense", f"00-{TRACE}-0000000000000000-01", f"00-{TRACE.upper()}-{'1' * 16}-01"]
)
def test_an_invalid_trace_is_ignored(client: Client, sent: str) -> None:
    event = Event.objects.get(pk=post(client, VALID).json()["id"])

    path = f"/api/v1/events/{event.pk}/cancel"
    client.post(path, content_type="application/json", headers={"traceparent": sent})

    assert TRACE not in traceparent()


def test_a_change_without_a_request_starts_its_own_trace() -> None:
    EventFactory.create()
    first = traceparent()
    EventFactory.create()

    assert first[3:35] != traceparent()[3:35]
