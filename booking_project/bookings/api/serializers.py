"""What goes in and out, as the schema shows it, and the same by hand for the hot path.

Building a serializer and walking its fields costs more than all the rest of a booking. A test
keeps the two alike.
"""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from booking_project.bookings.models import Booking, BookingStatus, Event
from shared.api.fields import IdField, InstantField, MoneyField, TextField


@extend_schema_serializer(component_name="NewBooking")
class BookingInput(serializers.Serializer[Booking]):
    user_id = TextField(
        max_length=255,
        error_messages=dict.fromkeys(("required", "blank", "null"), "user_id is required"),
        help_text="May be left out with a token: it is the token's subject then.",
    )


@extend_schema_serializer(component_name="Booking")
class BookingOutput(serializers.Serializer[Booking]):
    id = IdField()
    event_id = IdField()
    user_id = serializers.CharField()
    status = serializers.ChoiceField(choices=BookingStatus.choices)
    waitlist_order = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="Only while waitlisted. The lowest is promoted first.",
    )
    waitlist_position = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="Only on the booking's own page, while waitlisted: how many wait before, plus 1.",
    )
    created_at = InstantField()


@extend_schema_serializer(component_name="EventStatus")
class EventStatusOutput(serializers.Serializer[Event]):
    id = IdField()
    name = serializers.CharField()
    max_seats = serializers.IntegerField(min_value=1)
    waitlist_limit = serializers.IntegerField(min_value=0)
    price = MoneyField(max_digits=12, decimal_places=2)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    confirmed_count = serializers.IntegerField(min_value=0)
    waitlisted_count = serializers.IntegerField(min_value=0)
    seats_available = serializers.IntegerField(min_value=0)


_USER_ID = BookingInput().fields["user_id"]


def valid_user_id(data: Any, *, default: str | None = None) -> str:
    """The `user_id` of a `BookingInput`; `default` where it is left out. Raises `ValidationError`
    as the serializer would."""
    if not isinstance(data, Mapping):
        BookingInput(data=data).is_valid(raise_exception=True)
    try:
        user_id: str = _USER_ID.run_validation(data.get("user_id", default or empty))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"user_id": error.detail}) from None
    return user_id


def represent_booking(booking: Booking, *, waitlist_position: int | None = None) -> dict[str, Any]:
    """A `BookingOutput`."""
    shown = {
        "id": booking.pk,
        "event_id": booking.event_id,
        "user_id": booking.user_id,
        "status": str(booking.status),
    }
    if booking.status == BookingStatus.WAITLISTED:
        shown["waitlist_order"] = booking.waitlist_order
        if waitlist_position is not None:
            shown["waitlist_position"] = waitlist_position
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
