"""The serializers of the schema, and functions that do the same for the hot path.

Building a serializer and walking its fields costs more than the rest of a booking. A test checks
that both give the same result.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.domain.turns import Place, PlaceState
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
        help_text="If it is left out, it is the subject of the caller's token.",
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
        help_text="Only while waitlisted. The lowest number is promoted first.",
    )
    waitlist_position = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text=(
            "Only in the response for a single booking, while waitlisted: 1 is promoted next. "
            "Left out if it is above 1000."
        ),
    )
    waitlist_position_above = serializers.IntegerField(
        min_value=FARTHEST_POSITION,
        required=False,
        help_text="Sent instead of `waitlist_position` if that is greater than this.",
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
            "0 if the event is cancelled. While anyone waits, free seats go to the waitlist."
        ),
    )
    cancelled_at = InstantField(allow_null=True, help_text="Null unless the event is cancelled.")


@extend_schema_serializer(component_name="ListedEvent")
class ListedEventOutput(EventStatusOutput):
    version = serializers.IntegerField(
        min_value=1, help_text="Of the event as it is known here. Grows by one with every change."
    )
    venue = serializers.CharField(allow_null=True)
    starts_at = InstantField(allow_null=True, help_text="When the event takes place.")
    ends_at = InstantField(allow_null=True)
    time_zone = serializers.CharField(
        help_text="The IANA time zone in which people read the event's times."
    )
    currency = serializers.CharField(help_text="The price's currency (ISO 4217).")


@extend_schema_serializer(component_name="PlaceInLine")
class PlaceOutput(serializers.Serializer[Place]):
    event_id = IdField()
    token = serializers.CharField(
        help_text="Send it as the header `Waiting-Room-Token` when you ask again, and to book."
    )
    state = serializers.ChoiceField(
        choices=[state.value for state in PlaceState],
        help_text=(
            "`early`: the event has yet to open, and then a draw decides. `waiting`. `ready`: book "
            "within ten minutes. `missed`: join again."
        ),
    )
    position = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="1 is next. Null unless `waiting`."
    )
    retry_after = serializers.IntegerField(
        min_value=0,
        help_text=(
            "In how many seconds to ask again, at most 300. The response has the header "
            "`Retry-After` as well, unless it is 0."
        ),
    )


_USER_ID = BookingInput().fields["user_id"]


def valid_user_id(data: Any, *, default: str = "") -> str:
    """The `user_id` of a `BookingInput`, or `default` if it is left out. Raises the same
    `ValidationError` as the serializer."""
    if not isinstance(data, Mapping):
        BookingInput(data=data).is_valid(raise_exception=True)
    try:
        user_id: str = _USER_ID.run_validation(data.get("user_id", default or empty))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"user_id": error.detail}) from None
    return user_id


def represent_booking_in_line(booking: "WithAnnotations[Booking, InLine]") -> dict[str, Any]:
    """A `BookingOutput` with the waitlist position."""
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


def represent_place(place: Place, event_id: int, token: str) -> dict[str, Any]:
    """A `PlaceOutput`."""
    return {
        "event_id": event_id,
        "token": token,
        "state": place.state.value,
        "position": place.position,
        "retry_after": place.retry_after,
    }
