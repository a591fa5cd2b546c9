from decimal import Decimal

from django.db import models
from django.db.models import F, Q


class Event(models.Model):
    """Something with limited seats. Times are aware and kept in UTC; the price has no currency."""

    name = models.CharField(max_length=255)
    max_seats = models.IntegerField()
    waitlist_limit = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    booking_start_at = models.DateTimeField()
    booking_end_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Grows by one with every change."
    )
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="event_has_a_name"),
            models.CheckConstraint(condition=Q(max_seats__gt=0), name="event_has_seats"),
            models.CheckConstraint(
                condition=Q(waitlist_limit__gte=0), name="event_waitlist_limit_not_negative"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="event_price_not_negative"),
            models.CheckConstraint(
                condition=Q(booking_end_at__gt=F("booking_start_at")),
                name="event_booking_ends_after_it_starts",
                violation_error_message="booking_end_at must be after booking_start_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"
