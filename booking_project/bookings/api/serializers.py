from typing import Any

from rest_framework import serializers

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

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        """By hand: field by field would cost more than all the rest of a booking."""
        shown = {
            "id": instance.pk,
            "event_id": instance.event_id,
            "user_id": instance.user_id,
            "status": str(instance.status),
        }
        if instance.status == BookingStatus.WAITLISTED:
            shown["waitlist_order"] = instance.waitlist_order
        shown["created_at"] = instance.created_at
        return shown


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
