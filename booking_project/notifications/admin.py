from django.contrib import admin

from booking_project.notifications.models import Notification
from shared.admin.read_only import ReadOnlyAdmin


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Read-only: a row records a mail that was sent."""

    list_display = ["id", "booking_id", "kind", "address", "sent_at"]
    list_filter = ["kind", "sent_at"]
    search_fields = ["=booking_id", "address"]
