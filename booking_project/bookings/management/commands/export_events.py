"""Writes what this service knows of events, for `manage_event.py recover_events`."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from booking_project.bookings.models import Event
from booking_project.bookings.services.events import EventState
from shared.formats.json import dump_json

_MEMBERS = [field.name for field in fields(EventState)]


class Command(BaseCommand):
    help = "Write all copies of events, one JSON object a line, for `recover_events`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="/dev/stdout for the output")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        with file.open("wb") as lines:
            for event in Event.objects.order_by("pk").values(*_MEMBERS).iterator(chunk_size=500):
                lines.write(dump_json(event) + b"\n")
