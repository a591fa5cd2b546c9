"""Whether a worker on this machine does its work."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared.workers.check import check
from shared.workers.heartbeat import full_name


class Command(BaseCommand):
    help = (
        "Exit 0 if the worker does its work, or 1 with a sentence that says what is wrong. "
        "It must run on this machine, as this user. WORKER is the name of its command."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("worker", metavar="WORKER", help="consume_events, relay_outbox, …")

    def handle(self, *args: Any, worker: str, **options: Any) -> None:
        health = check(settings.WORKER_STATE_DIR, full_name(settings.SERVICE, worker))
        if not health.healthy:
            raise CommandError(health.sentence)
        self.stdout.write(health.sentence)
