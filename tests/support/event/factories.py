from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
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


def rows() -> QuerySet[Event]:
    """The table without the service, for times in the past and for many rows at once.
    Nothing is announced and no version grows."""
    return QuerySet(Event)


def insert_events(count: int, **values: Any) -> None:
    """Without the service, too."""
    now = timezone.now()
    built = EventFactory.build_batch(count, created_at=now, updated_at=now, **values)
    rows().bulk_create(built)
