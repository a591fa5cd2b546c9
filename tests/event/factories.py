from datetime import UTC, datetime
from decimal import Decimal

from factory import Sequence  # type: ignore[attr-defined]
from factory.django import DjangoModelFactory

from event_project.events.models import Event


class EventFactory(DjangoModelFactory[Event]):
    class Meta:
        model = Event

    name = Sequence(lambda number: f"Workshop {number}")  # type: ignore[no-untyped-call]
    max_seats = 50
    waitlist_limit = 5
    price = Decimal("2500.00")
    booking_start_at = datetime(2026, 2, 20, 10, 0, tzinfo=UTC)
    booking_end_at = datetime(2026, 2, 25, 10, 0, tzinfo=UTC)
