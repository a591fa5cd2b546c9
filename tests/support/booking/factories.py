"""Events and bookings for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory

from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.events import EventState
from tests.support.booking.commands import decided, to_book


def now() -> datetime:
    return datetime.now(UTC)


class EventFactory(factory.django.DjangoModelFactory):
    """An event that can be booked now and has no bookings."""

    class Meta:
        model = Event

    class Params:
        not_started = factory.Trait(
            booking_start_at=factory.LazyFunction(lambda: now() + timedelta(hours=1))
        )
        over = factory.Trait(
            booking_end_at=factory.LazyFunction(lambda: now() - timedelta(minutes=1))
        )

    id = factory.Sequence(lambda number: number + 1)
    name = "Golang Workshop Bangkok"
    max_seats = 50
    waitlist_limit = 5
    price = Decimal("2500.00")
    booking_start_at = factory.LazyFunction(lambda: now() - timedelta(hours=1))
    booking_end_at = factory.LazyFunction(lambda: now() + timedelta(hours=1))
    created_at = factory.LazyFunction(lambda: now() - timedelta(days=1))
    updated_at = factory.SelfAttribute("created_at")
    version = 1
    cancelled_at = None


class EventStateFactory(factory.Factory):
    """An event as its own service announces it."""

    class Meta:
        model = EventState

    id = 1
    name = "Golang Workshop Bangkok"
    max_seats = 50
    waitlist_limit = 5
    price = Decimal("2500.00")
    booking_start_at = factory.LazyFunction(lambda: now() - timedelta(hours=1))
    booking_end_at = factory.LazyFunction(lambda: now() + timedelta(hours=1))
    created_at = factory.LazyFunction(lambda: now() - timedelta(days=1))
    updated_at = factory.LazyFunction(now)
    version = 1
    cancelled_at = None


def announced(event: Event, **changes: Any) -> EventState:
    """The next version of `event`, with `changes`."""
    state = {name: getattr(event, name) for name in EventState.__dataclass_fields__}
    return EventState(**{**state, "version": event.version + 1, **changes})


def booked(event: Event, users: Sequence[str]) -> list[Booking]:
    """Books for each of `users` in this order, through the service. No one may be refused."""
    outcomes = decided(event.pk, [to_book(event.pk, user) for user in users]) if users else []
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Booking)]
    assert not refused, refused
    return [outcome for outcome in outcomes if isinstance(outcome, Booking)]


def users(count: int, *, prefix: str = "user") -> list[str]:
    return [f"{prefix}-{number:03}" for number in range(1, count + 1)]
