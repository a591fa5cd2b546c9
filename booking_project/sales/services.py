"""Everything that writes about sales."""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from booking_project.bookings.signals import Counts, Outcome
from booking_project.sales.models import OUTCOMES, SaleSecond
from booking_project.sales.sql import add_to_sales

PRUNE_BATCH = 5000


def sale_record(counts: Counts) -> None:
    """Add to the tallies of these events, and store how the events stand in this second; in one
    transaction, or if events are kept apart, in one for each.

    Events that don't exist are left out. Several processes may do this at once.
    """
    tallies = {event_id: dict.fromkeys(OUTCOMES, 0) for event_id in sorted(counts)}
    for event_id, tally in tallies.items():
        for outcome, count in counts[event_id].items():
            tally[_column(outcome)] += count
    rows = [(event_id, *tally.values()) for event_id, tally in tallies.items()]
    for part in [[row] for row in rows] if settings.ADMISSION_GROUPING == "event" else [rows]:
        with transaction.atomic():
            add_to_sales(part)


def _column(outcome: Outcome) -> str:
    return outcome if outcome in OUTCOMES else "refused_otherwise"


def sale_seconds_prune() -> int:
    """Delete a batch of those older than `SALES_RETENTION`; returns how many."""
    old = SaleSecond.objects.filter(at__lt=Now() - settings.SALES_RETENTION)
    batch = old.order_by("at").values("pk")[:PRUNE_BATCH]
    return SaleSecond.objects.filter(pk__in=batch).delete()[0]
