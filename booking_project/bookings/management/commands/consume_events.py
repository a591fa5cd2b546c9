"""Keeps the copies of events up to date."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from booking_project.bookings.handlers import handle_event_message
from shared.messaging.consumer import Consumer
from shared.messaging.errors import TopologyMismatch
from shared.messaging.topology import EVENTS_QUEUE


class Command(BaseCommand):
    help = "Consume event messages from RabbitMQ until stopped (SIGTERM, SIGINT)."

    def handle(self, *args: Any, **options: Any) -> None:
        consumer = Consumer(
            url=settings.RABBITMQ_URL, queue=EVENTS_QUEUE, handler=handle_event_message
        )
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: consumer.stop())
        try:
            consumer.run()
        except TopologyMismatch as error:
            raise CommandError(str(error)) from error
