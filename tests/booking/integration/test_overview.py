"""The first page of the booking desk."""

import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import Client, override_settings

from booking_project.bookings.models import Booking, Event, HistoryEntry
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.organisers.overview import BROKER_SECONDS, first_id_since
from shared.messaging.backlog import dead_letter_counts
from shared.messaging.connection import open_channel
from shared.messaging.topology import EVENTS_QUEUE
from shared.outbox.models import OutboxEntry
from tests.support.admin import member
from tests.support.booking.factories import EventFactory, booked, now
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(browser: Client) -> Client:
    browser.force_login(member("viewer"))
    return browser


def page(client: Client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_what_sells_and_what_opens_next(viewer: Client) -> None:
    EventFactory(name="Selling", max_seats=4)
    EventFactory(name="Soon", not_started=True, booking_end_at=now() + timedelta(days=9))
    EventFactory(name="Over", over=True)
    EventFactory(name="Off", cancelled_at=now())

    text = page(viewer)

    assert text.index("On sale now") < text.index("Selling") < text.index("Opens next")
    assert text.index("Opens next") < text.index("Soon")
    assert ">Over<" not in text
    assert ">Off<" not in text


def test_it_counts_what_happened_today(viewer: Client) -> None:
    event = EventFactory(max_seats=1)
    old, ann, *_ = booked(event, ["old", "ann", "ben", "cat"])
    Booking.objects.filter(pk=old.pk).update(created_at=now() - timedelta(days=2))
    booking_cancel(booking_id=old.pk)
    booking_cancel(booking_id=ann.pk)

    today = viewer.get("/admin/").context["today"]

    assert today == {"booked": 3, "seats": 1, "waiting": 1, "promoted": 2, "cancelled": 2}


@pytest.mark.parametrize("days_ago", range(-1, 8))
def test_the_first_id_since_a_moment_is_found_with_gaps(days_ago: int) -> None:
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    rows = booked(EventFactory(), [f"user-{n}" for n in range(12)])
    for n, row in enumerate(rows):
        at = midnight - timedelta(days=6) + timedelta(hours=12 * n)
        Booking.objects.filter(pk=row.pk).update(created_at=at)
    Booking.objects.filter(pk__in=[rows[3].pk, rows[7].pk]).delete()
    moment = midnight - timedelta(days=days_ago)

    found = Booking.objects.filter(pk__gte=first_id_since(Booking, "created_at", moment))

    assert set(found) == set(Booking.objects.filter(created_at__gte=moment))


def test_without_rows_there_is_a_first_id_too() -> None:
    assert first_id_since(HistoryEntry, "at", now()) <= 1


def test_it_says_if_all_is_well(viewer: Client) -> None:
    open_channel(settings.RABBITMQ_URL, timeout=PATIENCE_SECONDS).connection.close()

    assert "Nothing. Messages, mails and waitlists are up to date." in page(viewer)


def test_it_names_what_needs_somebody(viewer: Client) -> None:
    event = EventFactory(name="Off", cancelled_at=now(), cancellation_pending=True)
    entry = OutboxEntry.objects.create(exchange="bookings", size=2, messages="{}")
    OutboxEntry.objects.filter(pk=entry.pk).update(created_at=Now() - timedelta(minutes=5))
    OutboxEntry.objects.create(exchange="bookings", size=1, messages="{}", set_aside_at=Now())

    text = page(viewer)

    assert re.search(r"Messages have been waiting for the broker for 3\d\d seconds\.", text)
    assert "1 message can't be published." in text.replace("&#x27;", "'")
    assert "are still being cancelled." in text
    assert f"/admin/bookings/event/{event.pk}/change/" in text


@pytest.fixture
def silent() -> Iterator[str]:
    """A broker that accepts connections and says nothing, as a frozen one does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"amqp://127.0.0.1:{server.getsockname()[1]}/"


def test_a_broker_that_is_away_or_frozen_delays_it_little(viewer: Client, silent: str) -> None:
    with override_settings(RABBITMQ_URL=silent):
        page_without_broker = page(viewer)
    asked_meanwhile = dead_letter_counts(url=silent, queues=[EVENTS_QUEUE], seconds=60)

    assert "whether messages or mails have failed is unknown" in page_without_broker
    assert asked_meanwhile is None, "at once: one question at a time"
    gone = "amqp://127.0.0.1:9/"
    until(
        lambda: _seconds(gone) < BROKER_SECONDS,
        "a quick answer of a port that refuses, once the question before has ended",
    )


def _seconds(url: str) -> float:
    began = time.monotonic()
    assert dead_letter_counts(url=url, queues=[EVENTS_QUEUE], seconds=60) is None
    return time.monotonic() - began


def test_somebody_without_permissions_sees_no_figures(browser: Client) -> None:
    user = member("viewer")
    user.groups.clear()
    EventFactory(name="Secret")
    browser.force_login(user)

    assert Event.objects.exists()
    assert "Secret" not in page(browser)
