from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from booking_project.notifications.models import Notification
from shared.admin.read_only import ReadOnlyAdmin
from shared.times.texts import moment_text, zone_text


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Read-only: a row records a mail that was sent."""

    list_display = ["address", "kind", "booking_id", "sent"]
    list_filter = ["kind", "sent_at"]
    search_fields = ["=booking_id", "address"]
    search_help_text = _("A part of the address, or the number of a booking")
    ordering = ["-pk"]

    @admin.display(description=_("sent"), ordering="sent_at")
    def sent(self, mail: Notification) -> str:
        zone = timezone.get_current_timezone()
        return f"{moment_text(mail.sent_at, zone=zone)} ({zone_text(zone)})"
