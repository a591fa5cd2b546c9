from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError

from event_project.events.models import Event
from shared.api.fields import TextField

NAME = TextField(max_length=255)


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    """The model's own rules, and the API's rule for names."""

    def clean_name(self) -> str:
        try:
            name: str = NAME.run_validation(self.cleaned_data["name"])
        except ValidationError as error:
            raise forms.ValidationError([str(message) for message in error.detail]) from error
        return name


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Create and inspect. There is no change and no delete: bookings rest on what was announced."""

    form = EventForm
    list_display = [
        "id",
        "name",
        "max_seats",
        "waitlist_limit",
        "price",
        "booking_start_at",
        "booking_end_at",
        "cancelled_at",
    ]
    list_filter = ["booking_start_at", "booking_end_at", "cancelled_at"]
    search_fields = ["=id", "name"]
    date_hierarchy = "booking_start_at"
    readonly_fields = ["created_at", "updated_at", "version", "cancelled_at"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
