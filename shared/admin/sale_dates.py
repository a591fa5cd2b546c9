"""Which events the first page of a desk shows. Both services' events have these columns."""

from datetime import datetime
from typing import TypeVar

from django.db.models import Model, QuerySet

E = TypeVar("E", bound=Model)

SHOWN = 6


def planned(events: QuerySet[E]) -> QuerySet[E]:
    """Those that take place, without their long texts."""
    return events.filter(cancelled_at=None).defer("description")


def on_sale(events: QuerySet[E], *, now: datetime) -> list[E]:
    """Those that close first come first."""
    found = planned(events).filter(booking_start_at__lte=now, booking_end_at__gte=now)
    return list(found.order_by("booking_end_at", "pk")[:SHOWN])


def upcoming(events: QuerySet[E], *, now: datetime) -> list[E]:
    """Those that open first come first."""
    found = planned(events).filter(booking_start_at__gt=now, booking_end_at__gt=now)
    return list(found.order_by("booking_start_at", "pk")[:SHOWN])
