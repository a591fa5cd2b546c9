from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from event_project.events.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Create and inspect. There is no change and no delete: bookings rest on what was announced."""

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
