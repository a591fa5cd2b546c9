from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NoReturn

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxLengthValidator
from django.db import models, router, transaction
from django.db.models import F, Q
from django.db.models.base import ModelBase
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from event_project.events.ngrams import name_ngrams
from event_project.events.querysets import EventQuerySet, cannot_be_deleted
from shared.formats.codes import validate_currency, validate_time_zone

DESCRIPTION_LENGTH = 10_000
DEFAULT_TIME_ZONE = "Asia/Bangkok"
DEFAULT_CURRENCY = "THB"
HIGHEST_WAITING_ROOM_RATE = 10_000


class Event(models.Model):
    """Something with limited seats. Times are aware and stored in UTC.

    When it takes place has nothing to do with when it can be booked. `time_zone` is the zone in
    which people read its times. `description` is Markdown without HTML. `waiting_room_rate` is how
    many people a second may book; None if there is no waiting room.

    Each save gives the row its next version and announces it, in one transaction. Cancelling is
    final: saving a stale instance later doesn't clear `cancelled_at`.
    """

    name = models.CharField(max_length=255)
    max_seats = models.IntegerField()
    waitlist_limit = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    booking_start_at = models.DateTimeField()
    booking_end_at = models.DateTimeField()
    description = models.TextField(
        null=True, blank=True, validators=[MaxLengthValidator(DESCRIPTION_LENGTH)]
    )
    venue = models.CharField(max_length=255, null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # During an upgrade, the old code inserts rows without these.
    time_zone = models.CharField(
        max_length=64,
        default=DEFAULT_TIME_ZONE,
        db_default=DEFAULT_TIME_ZONE,
        validators=[validate_time_zone],
    )
    currency = models.CharField(
        max_length=3,
        default=DEFAULT_CURRENCY,
        db_default=DEFAULT_CURRENCY,
        validators=[validate_currency],
    )
    waiting_room_rate = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(blank=True, editable=False)
    updated_at = models.DateTimeField(blank=True, editable=False)
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Grows by one with every change."
    )
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("event"), _("events")
        ordering = ["id"]
        base_manager_name = "objects"
        indexes = [
            # Finds events that can be booked now or later, among many that are over.
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
            models.CheckConstraint(
                condition=~Q(description="")
                & Q(LessThanOrEqual(Length("description"), DESCRIPTION_LENGTH)),
                name="event_description_has_a_length",
                violation_error_message="description must have 1 to 10000 characters",
            ),
            models.CheckConstraint(
                condition=~Q(venue=""),
                name="event_venue_not_empty",
                violation_error_message="venue must not be empty",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")),
                name="event_ends_not_before_it_starts",
                violation_error_message="ends_at must not be before starts_at",
            ),
            models.CheckConstraint(
                condition=~Q(time_zone=""),
                name="event_has_a_time_zone",
                violation_error_message="time_zone must not be empty",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"),
                name="event_currency_is_a_code",
                violation_error_message="currency must have three capital letters",
            ),
            models.CheckConstraint(
                condition=Q(waiting_room_rate__range=(1, HIGHEST_WAITING_ROOM_RATE)),
                name="event_waiting_room_rate_in_range",
                violation_error_message=(
                    f"waiting_room_rate must be from 1 to {HIGHEST_WAITING_ROOM_RATE}"
                ),
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
        """Write the event as its next version, holding its row; `post_save` announces it.

        Every save counts as a change, even if no value differs. Version and times are set here,
        whatever the instance held. Fields that aren't in `update_fields` are taken from the row.
        Raises `ValidationError` for values that the columns can't hold unchanged.
        """
        fields = None if update_fields is None else set(update_fields)
        if fields is not None and not fields:
            return
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            stored = None if force_insert or self.pk is None else self._locked_row(using)
            if stored is not None:
                self._take_over(stored, to_be_written=fields)
                self.save_locked(using=using, update_fields=fields)
                return
            self.clean_fields(exclude=["id"])
            self.version = 1
            self.created_at = self.updated_at = timezone.now()
            super().save(
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=fields,
            )

    def save_locked(
        self, *, using: str | None = None, update_fields: Iterable[str] | None = None
    ) -> None:
        """`save` without reading the row again. The instance must have been read under its row's
        lock in this transaction."""
        self.clean_fields(exclude=["id"])
        self.version += 1
        self.updated_at = timezone.now()
        fields = update_fields and {*update_fields, "version", "updated_at"}
        super().save(force_update=True, using=using, update_fields=fields)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> NoReturn:
        """Raises `TypeError`."""
        raise cannot_be_deleted()

    def _locked_row(self, using: str) -> "Event | None":
        return Event.objects.using(using).select_for_update().filter(pk=self.pk).first()

    def _take_over(self, stored: "Event", *, to_be_written: Collection[str] | None) -> None:
        """Set the fields that won't be written to their stored values. Version and creation time
        always come from the row, and so does a stored cancellation, which is final."""
        deferred = self.get_deferred_fields()
        for field in self._meta.concrete_fields:
            is_written = to_be_written is None or field.name in to_be_written
            if not is_written or field.attname in deferred:
                setattr(self, field.attname, getattr(stored, field.attname))
        self.version = stored.version
        self.created_at = stored.created_at
        self.cancelled_at = stored.cancelled_at or self.cancelled_at
