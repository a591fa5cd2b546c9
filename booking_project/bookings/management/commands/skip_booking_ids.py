"""Keeps a restored database from giving an id to a second booking."""

from typing import Any

from django.core.management.base import BaseCommand

from booking_project.bookings.models import Booking
from shared.db.sequences import skip_ids

# More than can be booked between a backup and a loss that the archive of the log doesn't cover.
SKIPPED_IDS = 1_000_000


class Command(BaseCommand):
    help = (
        "After this database was restored from a backup: leave out the ids that were given to "
        "bookings which are lost. Their users know them, and they were announced."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        following = skip_ids(Booking, count=SKIPPED_IDS)
        self.stdout.write(f"the next booking gets the id {following}")
