"""How full the events are that can be booked now, as metrics."""

from collections.abc import Iterator

from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from booking_project.bookings.domain.transitions import COUNTERS
from booking_project.bookings.models import Event
from booking_project.bookings.selectors import SEATS_TAKEN

# Each event is a time series. The fullest are those that somebody looks at.
MAX_EVENTS = 20


class OnSaleCollector(Collector):
    """Of the `MAX_EVENTS` with the most seats taken."""

    def collect(self) -> Iterator[Metric]:
        seats = GaugeMetricFamily(
            "event_seats", "Seats of events that can be booked now", labels=["event"]
        )
        taken = GaugeMetricFamily("event_seats_taken", "Seats that are taken", labels=["event"])
        waiting = GaugeMetricFamily("event_waiting", "Users who wait in line", labels=["event"])
        for event in self._on_sale():
            labels = [str(event.pk)]
            seats.add_metric(labels, event.max_seats)
            taken.add_metric(labels, event.seats_taken)
            waiting.add_metric(labels, event.waitlisted_count)
        yield from (seats, taken, waiting)

    def _on_sale(self) -> Iterator[Event]:
        open_now = Event.objects.filter(
            cancelled_at__isnull=True, booking_start_at__lte=Now(), booking_end_at__gte=Now()
        )
        needed = open_now.only("max_seats", *COUNTERS)
        return needed.order_by(-SEATS_TAKEN, "pk")[:MAX_EVENTS].iterator()
