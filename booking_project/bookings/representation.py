"""A booking as JSON: what the API returns, and what is stored for a repeated request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import Booking
from shared.idempotency.requests import Codec


def represent_booking(
    booking: Booking, *, place: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The fields of a `BookingOutput`, by hand: a serializer costs more than the booking itself.

    `place` is the place in line, if it is known and the booking is waiting.
    """
    shown = {
        "id": booking.pk,
        "event_id": booking.event_id,
        "user_id": booking.user_id,
        "status": str(booking.status),
    }
    if booking.status == BookingStatus.WAITLISTED:
        shown["waitlist_order"] = booking.waitlist_order
        shown.update(place or {})
    shown["created_at"] = booking.created_at
    return shown


LISTED_FIELDS = ("id", "event_id", "user_id", "status", "waitlist_order", "created_at")


def adjust_listed(row: dict[str, Any]) -> None:
    """Make what a booking has in `LISTED_FIELDS` the same as `represent_booking`."""
    if row["status"] != BookingStatus.WAITLISTED:
        del row["waitlist_order"]


def _booking_of(shown: Mapping[str, Any]) -> Booking:
    """The booking that was represented this way."""
    return Booking(**{**shown, "created_at": datetime.fromisoformat(shown["created_at"])})


BOOKING_CODEC: Codec[Booking] = Codec(encode=represent_booking, decode=_booking_of)
