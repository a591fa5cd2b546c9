"""Brings a database that was restored from a backup up to what the booking service knows."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from event_project.events.models import Event
from event_project.events.recovery import (
    NotACopy,
    SameIdAgain,
    event_recover,
    parse_copy,
    skip_unknown_ids,
)
from shared.formats.json import load_json


class Command(BaseCommand):
    help = (
        "After this database was restored from a backup: bring back events and changes that the "
        "booking service knows, and give out no id again. Says what differed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="what `manage_booking.py export_events` wrote; /dev/stdin for the input",
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        copies = list(_copies(file.read_bytes().splitlines()))
        recovered = refused = 0
        for copy in copies:
            try:
                done = event_recover(copy)
            except SameIdAgain as error:
                refused += 1
                self.stdout.write(str(error))
                continue
            if done:
                recovered += 1
                self.stdout.write(done)
        self.stdout.write(f"{len(copies)} copies read, {recovered} events recovered")
        self.stdout.write(f"the next event gets the id {skip_unknown_ids()}")
        if refused:
            raise CommandError(f"{refused} ids belong to two events", returncode=1)


def _copies(lines: Iterable[bytes]) -> Iterator[Event]:
    """Reads all of the file before anything is changed: a file that was cut changes nothing."""
    for number, line in enumerate(lines, start=1):
        try:
            yield parse_copy(load_json(line))
        except (ValueError, NotACopy) as error:
            raise CommandError(f"line {number}: {error}") from None
