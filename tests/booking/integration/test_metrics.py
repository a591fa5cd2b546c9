"""What the process that books reports to Prometheus."""

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from booking_project.bookings.domain.errors import FullyBooked
from booking_project.bookings.on_sale import MAX_EVENTS
from booking_project.bookings.services.bookings import booking_cancel, booking_create
from tests.support.booking.factories import EventFactory

pytestmark = pytest.mark.django_db(transaction=True)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_decisions_are_counted_by_their_outcome() -> None:
    event = EventFactory(max_seats=1, waitlist_limit=1)
    names = ["confirmed", "waitlisted", "promoted", "cancelled", "fully_booked"]
    before = {name: value("booking_decisions_total", outcome=name) for name in names}
    batches = value("booking_batch_size_count")

    first = booking_create(event_id=event.pk, user_id="ann").value
    booking_create(event_id=event.pk, user_id="ben")
    with pytest.raises(FullyBooked):
        booking_create(event_id=event.pk, user_id="cat")
    booking_cancel(booking_id=first.pk)

    for name in names:
        assert value("booking_decisions_total", outcome=name) == before[name] + 1, name
    assert value("booking_batch_size_count") == batches + 4
    assert value("booking_batch_seconds_count") >= 4


def served(client: Client) -> dict[str, list[tuple[str, float]]]:
    text = client.get("/metrics").content.decode()
    return {
        family.name: [(sample.labels.get("event", ""), sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


def test_events_on_sale_show_how_full_they_are(client: Client) -> None:
    event = EventFactory(max_seats=2, waitlist_limit=5)
    EventFactory(cancelled_at=timezone.now())
    for user in ("ann", "ben", "cat"):
        booking_create(event_id=event.pk, user_id=user)

    metrics = served(client)

    assert metrics["event_seats"] == [(str(event.pk), 2)]
    assert metrics["event_seats_taken"] == [(str(event.pk), 2)]
    assert metrics["event_waiting"] == [(str(event.pk), 1)]


def test_there_are_only_so_many_time_series(client: Client) -> None:
    EventFactory.create_batch(MAX_EVENTS + 3)

    assert len(served(client)["event_seats"]) == MAX_EVENTS
