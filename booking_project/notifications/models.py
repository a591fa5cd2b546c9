from django.db import models
from django.db.models.functions import Now


class NotificationKind(models.TextChoices):
    PROMOTED = "promoted"
    CANCELLED_BY_USER = "cancelled_by_user"
    EVENT_CANCELLED = "event_cancelled"


class Notification(models.Model):
    """A mail that was sent because of a message, so that the message's next copy sends none.

    Kept as long as the bookings are: the broker may deliver a copy at any time. `booking_id` is
    an id from the message, not a foreign key: the bookings belong to another app.
    """

    message_id = models.UUIDField()
    booking_id = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=NotificationKind.choices)
    address = models.CharField(max_length=254)
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
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
