"""What goes in and out, as the schema shows it, and the same by hand for the hot path.

Building a serializer and walking its fields costs more than all the rest of a booking. A test
keeps the two alike.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from booking_project.bookings.models import Booking, BookingStatus, Event
from shared.api.fields import InstantField, MoneyField, TextField


class BookingInput(serializers.Serializer[Booking]):
    user_id = TextField(
        max_length=255,
        error_messages=dict.fromkeys(("required", "blank", "null"), "user_id is required"),
    )


class BookingOutput(serializers.Serializer[Booking]):
    id = serializers.IntegerField()
    event_id = serializers.IntegerField()
    user_id = serializers.CharField()
    status = serializers.ChoiceField(choices=BookingStatus.choices)
    waitlist_order = serializers.IntegerField(required=False, help_text="Only while waitlisted.")
    created_at = InstantField()


class EventStatusOutput(serializers.Serializer[Event]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    max_seats = serializers.IntegerField()
    waitlist_limit = serializers.IntegerField()
    price = MoneyField(max_digits=12, decimal_places=2)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    confirmed_count = serializers.IntegerField()
    waitlisted_count = serializers.IntegerField()
    seats_available = serializers.IntegerField()


_USER_ID = BookingInput().fields["user_id"]


def valid_user_id(data: Any) -> str:
    """The `user_id` of a `BookingInput`. Raises `ValidationError` as the serializer would."""
    if not isinstance(data, Mapping):
        BookingInput(data=data).is_valid(raise_exception=True)
    try:
        user_id: str = _USER_ID.run_validation(data.get("user_id", empty))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"user_id": error.detail}) from None
    return user_id


def represent_booking(booking: Booking) -> dict[str, Any]:
    """A `BookingOutput`."""
    shown = {
        "id": booking.pk,
        "event_id": booking.event_id,
        "user_id": booking.user_id,
        "status": str(booking.status),
    }
    if booking.status == BookingStatus.WAITLISTED:
        shown["waitlist_order"] = booking.waitlist_order
    shown["created_at"] = booking.created_at
    return shown


def represent_status(event: Event) -> dict[str, Any]:
    """An `EventStatusOutput`."""
    return {
        "id": event.pk,
        "name": event.name,
        "max_seats": event.max_seats,
        "waitlist_limit": event.waitlist_limit,
        "price": event.price,
        "booking_start_at": event.booking_start_at,
        "booking_end_at": event.booking_end_at,
        "confirmed_count": event.confirmed_count,
        "waitlisted_count": event.waitlisted_count,
        "seats_available": event.seats_available,
    }
