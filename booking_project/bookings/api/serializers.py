"""What goes in and out, as the schema shows it, and the same by hand for the hot path.

Building a serializer and walking its fields costs more than all the rest of a booking. A test
keeps the two alike.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.representation import represent_booking
from booking_project.bookings.storage.sql import FARTHEST_POSITION, InLine
from shared.formats.fields import IdField, InstantField, MoneyField, TextField

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


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
        help_text=(
            "Only on the booking's own page, while waitlisted: how many wait before, plus 1. "
            "Left out where it is above 1000."
        ),
    )
    waitlist_position_above = serializers.IntegerField(
        min_value=FARTHEST_POSITION,
        required=False,
        help_text="In place of `waitlist_position` where that is greater than this.",
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
    seats_available = serializers.IntegerField(
        min_value=0,
        help_text=(
            "0 once the event is cancelled. While anyone waits, they belong to the waitlist."
        ),
    )
    cancelled_at = InstantField(allow_null=True, help_text="Null while it is not cancelled.")


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


def represent_booking_in_line(booking: "WithAnnotations[Booking, InLine]") -> dict[str, Any]:
    """A `BookingOutput` with the place in line of one that waits."""
    if booking.waitlist_position is None:
        return represent_booking(booking, place={"waitlist_position_above": FARTHEST_POSITION})
    return represent_booking(booking, place={"waitlist_position": booking.waitlist_position})


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
        "cancelled_at": event.cancelled_at,
    }
