from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Note(models.Model):
    """What an organiser wants colleagues to know about a booking or an event."""

    event = models.ForeignKey(
        "bookings.Event", null=True, on_delete=models.PROTECT, related_name="notes"
    )
    booking = models.ForeignKey(
        "bookings.Booking", null=True, on_delete=models.PROTECT, related_name="notes"
    )
    text = models.TextField(max_length=2000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(event__isnull=False) ^ Q(booking__isnull=False),
                name="note_is_about_one_thing",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
        ]

    def __str__(self) -> str:
        return self.text[:50]
