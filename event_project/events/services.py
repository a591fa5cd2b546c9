"""Everything that writes events."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from event_project.events.models import Event


@transaction.atomic
def event_create(
    *,
    name: str,
    max_seats: int,
    booking_start_at: datetime,
    booking_end_at: datetime,
    waitlist_limit: int = 0,
    price: Decimal = Decimal(0),
) -> Event:
    """Create an event; its message is stored in the same transaction and published after it.

    Times are aware. Raises `IntegrityError` naming the constraint that the values break.
    """
    return Event.objects.create(
        name=name,
        max_seats=max_seats,
        waitlist_limit=waitlist_limit,
        price=price,
        booking_start_at=booking_start_at,
        booking_end_at=booking_end_at,
    )
