from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from booking_project.bookings.models import Booking, Event, Notification


class Inspection(admin.ModelAdmin):  # type: ignore[type-arg]
    """Look, don't touch: events are the event service's, and bookings change under a lock only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(Inspection):
    list_display = [
        "id",
        "name",
        "confirmed_count",
        "max_seats",
        "waitlisted_count",
        "waitlist_limit",
        "booking_start_at",
        "booking_end_at",
        "version",
    ]
    list_filter = ["booking_start_at", "booking_end_at", "cancelled_at", "cancellation_pending"]
    search_fields = ["=id", "name"]


@admin.register(Booking)
class BookingAdmin(Inspection):
    list_display = ["id", "event", "user_id", "status", "waitlist_order", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["event"]
    search_fields = ["=id", "=event__id", "user_id"]


@admin.register(Notification)
class NotificationAdmin(Inspection):
    list_display = ["id", "booking_id", "kind", "address", "sent_at"]
    list_filter = ["kind", "sent_at"]
    search_fields = ["=booking_id", "address"]
