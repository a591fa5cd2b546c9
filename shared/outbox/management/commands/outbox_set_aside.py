"""Messages that could not be published, and were set aside so that those behind them could."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shared.formats.text import printable
from shared.outbox.models import OutboxEntry
from shared.outbox.services import retry_set_aside


class Command(BaseCommand):
    help = "List the messages that were set aside, with the reason; or have them tried again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retry",
            action="store_true",
            help="make all of them pending again, once the cause is mended",
        )

    def handle(self, *args: Any, retry: bool, **options: Any) -> None:
        if retry:
            self.stdout.write(f"{retry_set_aside()} messages are pending again")
            return
        found = OutboxEntry.objects.filter(set_aside_at__isnull=False).order_by("pk")
        for row in found:
            since = row.set_aside_at.isoformat(timespec="seconds") if row.set_aside_at else "-"
            message_id, routing_key, *_ = [*row.messages.split("\t"), ""]
            self.stdout.write(
                f"{printable(message_id)}  {printable(routing_key)}  {since}  "
                f"{printable(row.failure)}"
            )
        self.stdout.write(f"{len(found)} messages are set aside")
