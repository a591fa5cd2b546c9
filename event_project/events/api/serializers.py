from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from event_project.events.models import (
    DEFAULT_CURRENCY,
    DEFAULT_TIME_ZONE,
    DESCRIPTION_LENGTH,
    HIGHEST_WAITING_ROOM_RATE,
    Event,
)
from shared.formats.fields import (
    CurrencyField,
    IdField,
    InstantField,
    LinesField,
    MoneyField,
    TextField,
    TimeZoneField,
    WholeNumberField,
)
from shared.idempotency.requests import Codec

LARGEST_COUNT = 2**31 - 1

_MARKDOWN = "Markdown. HTML in it is shown as text."
_STARTS = "When the event takes place."
_ZONE = "The IANA time zone in which people read the event's times."
_CURRENCY = "The price's currency (ISO 4217)."
_ROOM = "How many people a second the waiting room lets in to book. Null: there is none."


@extend_schema_serializer(component_name="NewEvent")
class EventInput(serializers.Serializer[Event]):
    name = TextField(
        max_length=255,
        error_messages={"required": "name is required", "blank": "name is required"},
    )
    max_seats = WholeNumberField(
        min_value=1,
        max_value=LARGEST_COUNT,
        error_messages={"min_value": "max_seats must be greater than 0"},
    )
    waitlist_limit = WholeNumberField(
        min_value=0,
        max_value=LARGEST_COUNT,
        default=0,
        error_messages={"min_value": "waitlist_limit must not be negative"},
    )
    price = MoneyField(
        max_digits=12,
        decimal_places=2,
        min_value=Decimal(0),
        default=Decimal(0),
        error_messages={"min_value": "price must not be negative"},
    )
    booking_start_at = InstantField()
    booking_end_at = InstantField(help_text="Later than `booking_start_at`.")
    # Without defaults: a request that leaves them out means the same as before there were any, and
    # has the same fingerprint.
    description = LinesField(
        max_length=DESCRIPTION_LENGTH, required=False, allow_null=True, help_text=_MARKDOWN
    )
    venue = TextField(max_length=255, required=False, allow_null=True)
    starts_at = InstantField(required=False, allow_null=True, help_text=_STARTS)
    ends_at = InstantField(
        required=False, allow_null=True, help_text="Not earlier than `starts_at`."
    )
    time_zone = TimeZoneField(required=False, help_text=f"{_ZONE} New events: {DEFAULT_TIME_ZONE}.")
    currency = CurrencyField(
        required=False, help_text=f"{_CURRENCY} New events: {DEFAULT_CURRENCY}."
    )
    waiting_room_rate = WholeNumberField(
        min_value=1,
        max_value=HIGHEST_WAITING_ROOM_RATE,
        required=False,
        allow_null=True,
        help_text=_ROOM,
    )


@extend_schema_serializer(component_name="EventChanges")
class EventChangesInput(EventInput):
    """Fields that are left out stay as they are."""

    # For the schema only: `EventInput(partial=True)` does the same.

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.required, field.default = False, empty
        return fields


@extend_schema_serializer(component_name="Event")
class EventOutput(serializers.Serializer[Event]):
    id = IdField()
    name = serializers.CharField()
    max_seats = serializers.IntegerField(min_value=1)
    waitlist_limit = serializers.IntegerField(min_value=0)
    price = MoneyField(max_digits=12, decimal_places=2)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    description = serializers.CharField(allow_null=True, help_text=_MARKDOWN)
    venue = serializers.CharField(allow_null=True)
    starts_at = InstantField(allow_null=True, help_text=_STARTS)
    ends_at = InstantField(allow_null=True)
    time_zone = serializers.CharField(help_text=_ZONE)
    currency = serializers.CharField(help_text=_CURRENCY)
    waiting_room_rate = serializers.IntegerField(
        min_value=1, max_value=HIGHEST_WAITING_ROOM_RATE, allow_null=True, help_text=_ROOM
    )
    created_at = InstantField()
    updated_at = InstantField()
    version = serializers.IntegerField(min_value=1, help_text="Grows by one with every change.")
    cancelled_at = InstantField(allow_null=True, help_text="Null unless the event is cancelled.")


def _event_of(body: Mapping[str, Any]) -> Event:
    """The event with this representation."""
    event = Event()
    for field in Event._meta.concrete_fields:
        if field.name in body:
            setattr(event, field.attname, field.to_python(body[field.name]))
    return event


EVENT_CODEC: Codec[Event] = Codec(encode=lambda event: EventOutput(event).data, decode=_event_of)
