"""Keeps the copies of events up to date, and applies event changes that affect many bookings."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from booking_project.bookings.handlers import PendingBatches, handle_event_messages
from booking_project.bookings.signals import stopping
from shared.messaging.consuming import consume
from shared.messaging.topology import EVENTS_QUEUE
from shared.workers.endpoint import Address, add_metrics_option

# Their rows stay locked while they are written, which takes some milliseconds.
BATCH_SIZE = 64


class Command(BaseCommand):
    help = "Consume event messages from RabbitMQ until stopped (SIGTERM, SIGINT)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_metrics_option(parser)

    def handle(self, *args: Any, metrics: Address | None, **options: Any) -> None:
        try:
            consume(
                worker="consume_events",
                queue=EVENTS_QUEUE,
                handler=handle_event_messages,
                batch_size=BATCH_SIZE if settings.ADMISSION_GROUPING == "all" else 1,
                background_work=PendingBatches().do_next,
                metrics=metrics,
            )
        finally:
            stopping.send_robust(sender=None)
