from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from django.contrib.postgres.indexes import GinIndex
from django.db import models, router, transaction
from django.db.models import F, Q
from django.db.models.base import ModelBase
from django.utils import timezone

from event_project.events.ngrams import name_ngrams
from event_project.events.querysets import EventQuerySet, refuse_to_delete


class Event(models.Model):
    """Something with limited seats. Times are aware and kept in UTC; the price has no currency.

    Every way of the ORM to write events gives each row its next version and announces it, in one
    transaction. Cancelling is final: no later write, however stale, takes `cancelled_at` back.
    """

    name = models.CharField(max_length=255)
    max_seats = models.IntegerField()
    waitlist_limit = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    booking_start_at = models.DateTimeField()
    booking_end_at = models.DateTimeField()
    created_at = models.DateTimeField(blank=True, editable=False)
    updated_at = models.DateTimeField(blank=True, editable=False)
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Grows by one with every change."
    )
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        base_manager_name = "objects"
        indexes = [
            # What can be booked now or later, among many that are over.
            models.Index(
                fields=["booking_end_at"],
                condition=Q(cancelled_at__isnull=True),
                name="event_not_cancelled_by_end",
            ),
            GinIndex(name_ngrams(), name="event_name_ngrams"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name=""),
                name="event_has_a_name",
                violation_error_message="name is required",
            ),
            models.CheckConstraint(
                condition=Q(max_seats__gt=0),
                name="event_has_seats",
                violation_error_message="max_seats must be greater than 0",
            ),
            models.CheckConstraint(
                condition=Q(waitlist_limit__gte=0),
                name="event_waitlist_limit_not_negative",
                violation_error_message="waitlist_limit must not be negative",
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0),
                name="event_price_not_negative",
                violation_error_message="price must not be negative",
            ),
            models.CheckConstraint(
                condition=Q(booking_end_at__gt=F("booking_start_at")),
                name="event_booking_ends_after_it_starts",
                violation_error_message="booking_end_at must be after booking_start_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"

    def save(
        self,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Takes the row's lock. A save is a change, whatever the values were.

        Version and times are the service's: they are set here, whatever this instance had.
        """
        fields = None if update_fields is None else set(update_fields)
        if fields is not None and not fields:
            return
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            stored = None if force_insert else self._lock(using)
            self.updated_at = timezone.now()
            if stored is None:
                self.version = 1
                self.created_at = self.updated_at
            else:
                version, cancelled_at = stored
                self.version = version + 1
                self.cancelled_at = cancelled_at or self.cancelled_at
            if fields:
                fields |= {"version", "updated_at"}
            super().save(
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=fields,
            )

    def delete(self, using: str | None = None, keep_parents: bool = False) -> NoReturn:
        """Raises `TypeError`."""
        refuse_to_delete()

    def _lock(self, using: str) -> tuple[int, datetime | None] | None:
        rows = Event.objects.using(using).select_for_update().filter(pk=self.pk)
        return rows.values_list("version", "cancelled_at").first()
