"""Sends mails to users who were promoted or whose booking was cancelled."""

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from booking_project.notifications.handlers import handle_booking_messages
from booking_project.notifications.sending import MailSender
from booking_project.notifications.services import BATCH_SIZE
from shared.messaging.consuming import consume
from shared.messaging.topology import NOTIFICATIONS_QUEUE
from shared.workers.endpoint import Address, add_metrics_option


class Command(BaseCommand):
    help = "Consume booking messages from RabbitMQ and send mails until stopped (SIGTERM, SIGINT)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_metrics_option(parser)

    def handle(self, *args: Any, metrics: Address | None, **options: Any) -> None:
        with MailSender() as sender:
            consume(
                worker="notify_bookings",
                queue=NOTIFICATIONS_QUEUE,
                handler=partial(handle_booking_messages, sender=sender),
                batch_size=BATCH_SIZE,
                background_work=sender.close_idle,
                metrics=metrics,
            )
