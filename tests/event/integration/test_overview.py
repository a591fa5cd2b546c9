"""The first page of the event desk."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from event_project.events.models import Event
from shared.messaging.connection import open_channel
from shared.messaging.topology import EVENTS_QUEUE
from shared.outbox.models import OutboxEntry
from tests.support.admin import member
from tests.support.broker import Broker
from tests.support.event.booking_service import BookingService, frozen_server
from tests.support.event.factories import EventFactory, insert_events
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db

ALL_WELL = "Nothing. The booking service has the latest version of every event shown here."


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(member("viewer"))
    return client


def event(*, opens: int, closes: int, **values: Any) -> Event:
    """Its booking opens and closes in so many days."""
    now = timezone.now()
    window = {
        "booking_start_at": now + timedelta(days=opens),
        "booking_end_at": now + timedelta(days=closes),
    }
    created: Event = EventFactory.create(**window, **values)
    return created


def page(client: Client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_what_sells_what_opens_and_what_takes_place_next(
    viewer: Client, booking: BookingService
) -> None:
    selling = event(name="Selling", opens=-1, closes=1, max_seats=4)
    event(name="Soon", opens=2, closes=3)
    event(name="Over", opens=-3, closes=-2, starts_at=timezone.now() + timedelta(days=5))
    event(name="Off", opens=-1, closes=1, cancelled_at=timezone.now())
    booking.knows(selling, confirmed=3, waiting=1)

    text = page(viewer)

    shown = ["On sale now", "Selling", "3 of 4 · 1 waiting", "Opens next", "Soon"]
    places = [text.index(f">{each}<") for each in (*shown, "Takes place next", "Over")]
    assert places == sorted(places)
    assert ">Off<" not in text
    assert len(booking.asked) == 1
    assert "Axes" not in text
    assert "New event" not in text


def test_a_manager_begins_a_new_event_there(client: Client) -> None:
    client.force_login(member("manager"))

    assert 'href="/admin/events/event/add/"' in page(client)


@pytest.mark.usefixtures("broker")
def test_it_says_if_all_is_well(viewer: Client, booking: BookingService) -> None:
    booking.knows(event(opens=-1, closes=1))

    assert ALL_WELL in page(viewer)


def test_it_names_what_needs_somebody(
    viewer: Client, booking: BookingService, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_project.events.admin.overview.BROKER_SECONDS", PATIENCE_SECONDS)
    late = event(name="Late", opens=-1, closes=1)
    booking.knows(late, version=0)
    entry = OutboxEntry.objects.create(exchange="events", size=1, messages="{}")
    OutboxEntry.objects.filter(pk=entry.pk).update(created_at=Now() - timedelta(minutes=5))
    channel = open_channel(django_settings.RABBITMQ_URL, timeout=PATIENCE_SECONDS)
    channel.confirm_delivery()
    channel.basic_publish("", EVENTS_QUEUE.dead_letter_queue, b"{", mandatory=True)
    channel.connection.close()

    text = page(viewer)

    assert re.search(r"Messages have been waiting for the broker for 3\d\d seconds\.", text)
    assert "manage_event.py outbox_status" in text
    assert "1 change of an event could not be read." in text
    assert f"The booking service does not have the latest version of {late} yet." in text
    assert f"/admin/events/event/{late.pk}/change/" in text


def test_it_says_that_the_booking_service_does_not_answer(viewer: Client, settings: Any) -> None:
    event(opens=-1, closes=1, max_seats=7)

    with frozen_server() as settings.BOOKING_URL:
        text = page(viewer)

    assert "The booking service does not answer: how full events are is unknown." in text
    assert "7 seats" in text


def test_it_needs_as_many_queries_for_many_events(viewer: Client, booking: BookingService) -> None:
    now = timezone.now()
    insert_events(
        200,
        booking_start_at=now - timedelta(days=1),
        booking_end_at=now + timedelta(days=1),
        starts_at=now + timedelta(days=2),
        description="x" * 1000,
    )

    with CaptureQueriesContext(connection) as queries:
        page(viewer)

    assert len(queries) <= 13, [query["sql"] for query in queries]


def test_somebody_without_permissions_sees_no_event(client: Client) -> None:
    user = member("viewer")
    user.groups.clear()
    event(name="Secret", opens=-1, closes=1)
    client.force_login(user)

    assert "Secret" not in page(client)
