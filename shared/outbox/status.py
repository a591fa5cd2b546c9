"""How the outbox is doing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, Min
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.outbox.models import OutboxMessage
from shared.outbox.services import pending_messages

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class OutboxStatus:
    pending: int
    oldest_pending_seconds: float
    published_per_second: float
    set_aside: int


def outbox_status() -> OutboxStatus:
    """The current state, with the rate of the last minute. Reads only pending and recent rows."""
    pending = pending_messages().aggregate(
        count=Count("pk"), age=ExpressionWrapper(Now() - Min("created_at"), DurationField())
    )
    published = OutboxMessage.objects.filter(published_at__gt=Now() - WINDOW).count()
    return OutboxStatus(
        pending=pending["count"],
        oldest_pending_seconds=(pending["age"] or timedelta()).total_seconds(),
        published_per_second=published / WINDOW.total_seconds(),
        set_aside=OutboxMessage.objects.filter(set_aside_at__isnull=False).count(),
    )


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
