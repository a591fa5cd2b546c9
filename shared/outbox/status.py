"""How the outbox is doing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Min, Sum, Value
from django.db.models.functions import Coalesce, Now
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.outbox.models import OutboxEntry, OutboxMessage

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class OutboxStatus:
    pending: int
    oldest_pending_seconds: float
    published_per_second: float
    set_aside: int


def outbox_status() -> OutboxStatus:
    """The current state, with the rate of the last minute. Reads only pending and recent rows."""
    pending, oldest = _pending()
    return OutboxStatus(
        pending=pending,
        oldest_pending_seconds=oldest,
        published_per_second=_messages(published_at__gt=Now() - WINDOW) / WINDOW.total_seconds(),
        set_aside=_messages(set_aside_at__isnull=False),
    )


def oldest_pending_seconds() -> float:
    """How long the oldest message has been waiting for the broker; 0 if none is."""
    return _pending()[1]


def _pending() -> tuple[int, float]:
    """How many messages wait, and for how many seconds the oldest has been waiting."""
    found = [
        model.objects.filter(published_at__isnull=True, set_aside_at__isnull=True).aggregate(
            count=Coalesce(Sum(size), 0),
            age=ExpressionWrapper(Now() - Min("created_at"), DurationField()),
        )
        for model, size in ((OutboxEntry, F("size")), (OutboxMessage, Value(1)))
    ]
    ages = [each["age"] for each in found if each["age"] is not None]
    return sum(each["count"] for each in found), max(ages, default=timedelta()).total_seconds()


def _messages(**conditions: object) -> int:
    entries = OutboxEntry.objects.filter(**conditions)
    total: int = entries.aggregate(total=Coalesce(Sum("size"), 0))["total"]
    return total


class OutboxCollector(Collector):
    """The same as metrics."""

    def collect(self) -> Iterator[Metric]:
        status = outbox_status()
        yield GaugeMetricFamily(
            "outbox_pending_messages", "Messages not yet published", status.pending
        )
        yield GaugeMetricFamily(
            "outbox_oldest_pending_seconds",
            "Age of the oldest message not yet published",
            status.oldest_pending_seconds,
        )
        yield GaugeMetricFamily(
            "outbox_published_per_second",
            "Messages published in the last minute, per second",
            status.published_per_second,
        )
        yield GaugeMetricFamily(
            "outbox_set_aside_messages", "Messages that can't be published", status.set_aside
        )
