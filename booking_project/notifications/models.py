from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class NotificationKind(models.TextChoices):
    PROMOTED = "promoted", _("Moved up to a seat")
    CANCELLED_BY_USER = "cancelled_by_user", _("Booking cancelled")
    EVENT_CANCELLED = "event_cancelled", _("Event cancelled")


class Notification(models.Model):
    """A mail that was sent because of a message, so that the message's next copy sends none.

    Kept as long as the bookings are: the broker may deliver a copy at any time. `booking_id` is
    an id from the message, not a foreign key: the bookings belong to another app.
    """

    message_id = models.UUIDField()
    booking_id = models.BigIntegerField(_("booking"))
    kind = models.CharField(_("about"), max_length=20, choices=NotificationKind.choices)
    address = models.CharField(_("address"), max_length=254)
    sent_at = models.DateTimeField(_("sent"), db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = _("mail"), _("mails")
        # The model once belonged to the app `bookings`. The table keeps its name, so that notifiers
        # of the previous release go on while the database is migrated.
        db_table = "bookings_notification"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="notification_once_per_message"),
        ]
        indexes = [models.Index(fields=["booking_id"], name="notification_by_booking")]

    def __str__(self) -> str:
        return f"{self.kind} of booking {self.booking_id} to {self.address}"
