"""What waits to be published."""

from typing import Any

from django.core.management.base import BaseCommand

from shared.outbox.status import outbox_status


class Command(BaseCommand):
    help = "Print how many messages are pending, how old the oldest is, and the rate of publishing."

    def handle(self, *args: Any, **options: Any) -> None:
        status = outbox_status()
        self.stdout.write(
            f"pending            {status.pending}\n"
            f"age of the oldest  {status.oldest_pending_seconds:.1f} s\n"
            f"published          {status.published_per_second:.1f} per second, in the last minute\n"
            f"set aside          {status.set_aside}"
        )
