from decimal import Decimal
from typing import Any

from rest_framework import serializers

from event_project.events.models import Event
from shared.api.fields import InstantField, MoneyField, TextField, WholeNumberField

LARGEST_COUNT = 2**31 - 1


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
    booking_end_at = InstantField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["booking_end_at"] <= attrs["booking_start_at"]:
            raise serializers.ValidationError(
                {"booking_end_at": "booking_end_at must be after booking_start_at"}
            )
        return attrs


class EventOutput(serializers.ModelSerializer[Event]):
    price = MoneyField(max_digits=12, decimal_places=2)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    created_at = InstantField()
    updated_at = InstantField()
    cancelled_at = InstantField(allow_null=True)

    class Meta:
        model = Event
        fields = [
            "id",
            "name",
            "max_seats",
            "waitlist_limit",
            "price",
            "booking_start_at",
            "booking_end_at",
            "created_at",
            "updated_at",
            "version",
            "cancelled_at",
        ]
