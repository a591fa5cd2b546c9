"""Checks that every event's counters, waitlist and seats agree with its bookings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from booking_project.bookings.reconciliation import (
    find_discrepancies,
    find_pending_batches,
    repair_event,
)


class Command(BaseCommand):
    help = "Compare events with their bookings; exit 1 and say what differs where they disagree."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair",
            action="store_true",
            help="recount under each event's lock and promote users who wait for an idle seat",
        )

    def handle(self, *args: Any, repair: bool, **options: Any) -> None:
        found = list(find_discrepancies())
        for discrepancy in found:
            self.stdout.write(str(discrepancy))
        if repair:
            for event_id in sorted({item.event_id for item in found if item.repairable}):
                repair_event(event_id=event_id)
                self.stdout.write(f"event {event_id}: repaired")
            found = list(find_discrepancies())
        for pending in find_pending_batches():
            self.stdout.write(pending)
        if found:
            raise CommandError(f"{len(found)} discrepancies", returncode=1)
        self.stdout.write("bookings and counters agree")
