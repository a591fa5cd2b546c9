"""Keeps the copies of events up to date, and cancels the bookings of events that are cancelled."""

from typing import Any

from django.core.management.base import BaseCommand

from booking_project.bookings.handlers import continue_cancellations, handle_event_message
from booking_project.bookings.management.consuming import consume
from shared.messaging.topology import EVENTS_QUEUE


class Command(BaseCommand):
    help = "Consume event messages from RabbitMQ until stopped (SIGTERM, SIGINT)."

    def handle(self, *args: Any, **options: Any) -> None:
        consume(
            queue=EVENTS_QUEUE, handler=handle_event_message, spare_time=continue_cancellations
        )
