"""How sales went, second by second.

Everything here is counted up and never down, so the difference between two rows is what happened
between them, whatever rows are missing in between. No foreign keys: to check one, PostgreSQL would
wait for the event's row, which bookings hold.
"""

from django.db import models


class Tally(models.Model):
    """How often each outcome was decided since the sale began."""

    confirmed = models.BigIntegerField(default=0)
    waitlisted = models.BigIntegerField(default=0)
    promoted = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    fully_booked = models.BigIntegerField(default=0)
    already_booked = models.BigIntegerField(default=0)
    booking_not_open = models.BigIntegerField(default=0)
    event_cancelled = models.BigIntegerField(default=0)
    refused_otherwise = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


OUTCOMES = tuple(field.name for field in Tally._meta.local_fields)
REFUSALS = OUTCOMES[OUTCOMES.index("fully_booked") :]


class Sale(Tally):
    """The latest tally of an event."""

    event_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"sale of event {self.event_id}"


class SaleSecond(Tally):
    """A second in which something was decided: how the event's row and its tally stood after it.

    `seats_taken`, `waiting` and `max_seats` are read from the event's row.
    """

    pk = models.CompositePrimaryKey("event_id", "at")
    event_id = models.BigIntegerField()
    at = models.DateTimeField()
    max_seats = models.IntegerField()
    seats_taken = models.IntegerField()
    waiting = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="sale_second_by_time")]

    def __str__(self) -> str:
        return f"event {self.event_id} at {self.at:%H:%M:%S}"
