"""The copy of an event with its counters, and the bookings.

Laid out so that bookings can be distributed by `event_id`: primary keys and unique constraints
include the event (but for the index `booking_id`), there are no triggers, and all a decision needs
is on the one event row that it locks.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking_project.bookings.domain.transitions import SEAT_COUNTERS, BookingStatus, is_active
from shared.observability.cause import MOST_CHARACTERS

# What describes an event to people. No decision rests on it, so the hot path doesn't read it.
DESCRIPTIVE = ("description", "venue", "starts_at", "ends_at", "time_zone", "currency")
DEFAULT_TIME_ZONE = "Asia/Bangkok"
DEFAULT_CURRENCY = "THB"

PENDING_BATCHES = Q(cancellation_pending=True) | ~Q(promotion_cause="")


class Event(models.Model):
    """The event service's event (same id), as of `version`, and how full it is.

    The counters change only under the row's lock, in the transaction that changes the bookings
    they count. `honoured_…` is set if a capacity was lowered below what was already taken: nobody
    loses a seat (rule 8), and the count can only go down from there.
    `cancellation_pending` is set while a cancelled event may have bookings not cancelled yet.
    `waiting_room_rate` is how many people a second may book; None if there is no waiting room.
    `promotion_cause` is set while idle seats may still be due to the waitlist: it is the `Reason`
    for the promotions still to come, else empty. `batches_cause` says what caused this work.
    """

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=255)
    max_seats = models.IntegerField()
    waitlist_limit = models.IntegerField()
    price = models.DecimalField(max_digits=12, decimal_places=2)
    booking_start_at = models.DateTimeField()
    booking_end_at = models.DateTimeField()
    description = models.TextField(null=True, blank=True)
    venue = models.CharField(max_length=255, null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(
        max_length=64, default=DEFAULT_TIME_ZONE, db_default=DEFAULT_TIME_ZONE
    )
    currency = models.CharField(max_length=3, default=DEFAULT_CURRENCY, db_default=DEFAULT_CURRENCY)
    waiting_room_rate = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    confirmed_count = models.IntegerField(default=0)
    waitlisted_count = models.IntegerField(default=0)
    last_waitlist_order = models.IntegerField(default=0)
    honoured_seats = models.IntegerField(default=0)
    honoured_waitlist = models.IntegerField(default=0)
    cancellation_pending = models.BooleanField(default=False, db_default=False)
    promotion_cause = models.CharField(max_length=20, blank=True, default="", db_default="")
    batches_cause = models.CharField(
        max_length=MOST_CHARACTERS, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name, verbose_name_plural = _("event"), _("events")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_count__lte=F("max_seats"))
                | Q(confirmed_count=F("honoured_seats")),
                name="event_seats_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(waitlisted_count__lte=F("waitlist_limit"))
                | Q(waitlisted_count=F("honoured_waitlist")),
                name="event_waitlist_never_overfull",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_count__gte=0) & Q(waitlisted_count__gte=0),
                name="event_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(cancellation_pending=False) | Q(cancelled_at__isnull=False),
                name="event_pending_only_while_cancelled",
            ),
        ]
        indexes = [
            # Indexes must not contain anything that changes with a booking. Otherwise updates of
            # the counters could no longer leave the indexes alone (HOT).
            models.Index(
                fields=["id"],
                condition=PENDING_BATCHES,
                name="event_pending_batches",
            ),
            # Finds events that can be booked now or later, among many that are over.
            models.Index(
                fields=["booking_end_at"],
                condition=Q(cancelled_at__isnull=True),
                name="event_not_cancelled_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"

    @property
    def seats_taken(self) -> int:
        return sum(getattr(self, counter) for counter in SEAT_COUNTERS)

    @property
    def seats_available(self) -> int:
        """0 for a cancelled event. While anyone is waiting, not for newcomers (rule 4)."""
        if self.cancelled_at is not None:
            return 0
        return max(0, self.max_seats - self.seats_taken)


class WaitingRoom(models.Model):
    """The counters of an event's waiting room; `domain/turns.py` says what they mean.

    `called` turns had come up at `as_of`. Since then they come up at `rate` a second.
    """

    event_id = models.BigIntegerField(primary_key=True)
    rate = models.IntegerField()
    highest_rate = models.IntegerField()
    called = models.FloatField()
    as_of = models.DateTimeField()
    last_turn = models.BigIntegerField()
    early = models.BigIntegerField()

    def __str__(self) -> str:
        return f"waiting room of event {self.pk}"


def _by_status(column: str, *, name: str) -> list[models.Index]:
    return [
        models.Index(
            fields=[column, "id"], condition=Q(status=status), name=f"booking_{status}_by_{name}"
        )
        for status in BookingStatus.values
    ]


class Booking(models.Model):
    """A user's place in an event. `waitlist_order` is kept after a promotion, as a record.

    The table's primary key is (event, id), which is also the index of an event's bookings. The ids
    are unique as well, by the index `booking_id`.
    """

    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    user_id = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=BookingStatus.choices)
    waitlist_order = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = _("booking"), _("bookings")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "user_id"],
                condition=is_active(),
                name="booking_one_active_per_user_and_event",
            ),
            # This is also the index that finds the head of the line. Bookings that have left the
            # line are not in it: otherwise every promotion would read them all again.
            models.UniqueConstraint(
                fields=["event", "waitlist_order"],
                condition=Q(status=BookingStatus.WAITLISTED),
                name="booking_one_place_in_line_per_event",
            ),
            models.CheckConstraint(
                condition=Q(status__in=BookingStatus.values), name="booking_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=BookingStatus.WAITLISTED)
                | Q(waitlist_order__isnull=False, waitlist_order__gt=0),
                name="booking_waitlisted_has_an_order",
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="booking_has_a_user"),
        ]
        indexes = [
            models.Index(fields=["user_id", "id"], name="booking_by_user"),
            # For lists of one status. An index with `status` in the middle is wider, and so not
            # always chosen. When a seat is booked, an index by event and user would be chosen over
            # the unique one, and would read everything the user has cancelled.
            *_by_status("event", name="event"),
            *_by_status("user_id", name="user"),
            # Finds users by how their name begins, whatever the database's collation.
            models.Index(
                fields=["user_id"],
                opclasses=["varchar_pattern_ops"],
                name="booking_by_start_of_user",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.status} (#{self.pk})"


class HistoryEntry(models.Model):
    """What happened to a booking, where the booking's own row doesn't tell: it was cancelled, it
    was promoted, or somebody booked it for the user.

    `actor` is who did it, as pages and commands know them; `SYSTEM` if nobody in particular. Its
    ids are no foreign keys, which would cost each cancellation a check. The table's primary key is
    (event, id), and no index is on `id` alone.
    """

    SYSTEM = "system"

    event_id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    change = models.CharField(max_length=10)
    reason = models.CharField(max_length=20)
    actor = models.CharField(max_length=255)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "history entries"
        indexes = [models.Index(fields=["booking_id", "id"], name="history_by_booking")]

    def __str__(self) -> str:
        return f"booking {self.booking_id} {self.change} by {self.actor}"
