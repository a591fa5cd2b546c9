"""The outbox's status, as a command and as metrics."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from shared.outbox.lines import to_line
from shared.outbox.models import OutboxEntry
from shared.outbox.status import OutboxStatus, outbox_status

pytestmark = pytest.mark.django_db


def add(*, size: int = 1, age: int = 0, published_ago: int | None = None) -> None:
    """An entry with `size` messages. Ages are in seconds."""
    now = timezone.now()
    line = to_line(routing_key="event.updated", ordering_key="event-1", headers={}, body={})
    OutboxEntry.objects.create(
        exchange="events",
        size=size,
        messages="\n".join([line] * size),
        created_at=now - timedelta(seconds=age),
        published_at=None if published_ago is None else now - timedelta(seconds=published_ago),
    )


def test_an_empty_outbox_has_nothing_pending() -> None:
    assert outbox_status() == OutboxStatus(
        pending=0, oldest_pending_seconds=0.0, published_per_second=0.0, set_aside=0
    )


def test_the_command_prints_pending_messages_their_age_and_the_rate() -> None:
    add(age=7200)
    add(age=10, size=3)
    for size in (10, 20):
        add(age=20, size=size, published_ago=5)
    add(age=900, published_ago=300)
    output = StringIO()

    call_command("outbox_status", stdout=output)

    pending, oldest, published, set_aside = output.getvalue().splitlines()
    assert pending.split() == ["pending", "4"]
    assert 7200 <= float(oldest.split()[-2]) < 7300
    assert "0.5 per second" in published
    assert set_aside.split() == ["set", "aside", "0"]


def test_the_metrics_say_the_same(client: Client) -> None:
    add(age=50)

    response = client.get("/metrics")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    found = {
        family.name: family.samples[0].value
        for family in text_string_to_metric_families(response.content.decode())
    }
    assert found["outbox_pending_messages"] == 1
    assert 50 <= found["outbox_oldest_pending_seconds"] < 150
    assert found["outbox_published_per_second"] == 0
    assert found["outbox_set_aside_messages"] == 0


def test_metrics_accept_only_reads(client: Client) -> None:
    response = client.post("/metrics")

    assert response.status_code == 405
    assert response["Content-Type"] == "application/problem+json"
