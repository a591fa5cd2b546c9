"""Publishes what is in the outbox: new rows at once, and what an outage left behind.

Once a minute it deletes messages and idempotency keys that are past their retention, expired
sessions, and what the service's `HOUSEKEEPING` deletes.
"""

from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from shared.auth.sessions import prune_expired_sessions
from shared.commands.shutdown import stop_on_signals
from shared.idempotency import services as idempotency
from shared.messaging.errors import TopologyMismatch
from shared.outbox.relay import Relay
from shared.outbox.services import prune_published
from shared.workers.endpoint import Address, add_metrics_option
from shared.workers.running import beating


class Command(BaseCommand):
    help = "Publish pending outbox messages to RabbitMQ until stopped (SIGTERM, SIGINT)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_metrics_option(parser)

    def handle(self, *args: Any, metrics: Address | None, **options: Any) -> None:
        with beating("relay_outbox", metrics=metrics) as heartbeat:
            relay = Relay(
                url=settings.RABBITMQ_URL,
                prunes=[
                    partial(prune_published, older_than=settings.OUTBOX_RETENTION),
                    partial(idempotency.prune, older_than=settings.IDEMPOTENCY_RETENTION),
                    prune_expired_sessions,
                    *map(import_string, settings.HOUSEKEEPING),
                ],
                heartbeat=heartbeat,
            )
            stop_on_signals(relay.stop)
            try:
                relay.run()
            except TopologyMismatch as error:
                raise CommandError(str(error)) from error
