"""The messages that announce bookings: always the full state, never a delta.

docs/messages.md says what receivers can rely on.
"""

from collections.abc import Iterable, Iterator

from booking_project.bookings.domain.allocation import Change
from booking_project.bookings.domain.transitions import JOIN_WAITLIST
from booking_project.bookings.models import Event
from shared.messaging.topology import BOOKINGS_EXCHANGE
from shared.outbox.services import NewMessage


def booking_messages(event: Event, changes: Iterable[Change]) -> Iterator[NewMessage]:
    """In the order of `changes`. Bookings must have their ids."""
    event_id, event_name = event.id, event.name
    for booking, transition, reason, _, request_id, step in changes:
        booking_id = booking.id
        body = {
            "id": booking_id,
            "event_id": event_id,
            "event_name": event_name,
            "user_id": booking.user_id,
            "status": transition.target.value,
            "created_at": booking.created_at,
            "updated_at": booking.updated_at,
            "cause": reason.value,
        }
        if transition is JOIN_WAITLIST:
            body["waitlist_order"] = booking.waitlist_order
        yield NewMessage(
            exchange=BOOKINGS_EXCHANGE,
            routing_key=f"booking.{transition.name}",
            ordering_key=f"booking-{booking_id}",
            body=body,
            request_id=request_id,
            step=step,
        )
