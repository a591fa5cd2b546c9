"""Announces events again to repair lost or damaged copies elsewhere."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.exceptions import ValidationError
from tqdm import tqdm

from event_project.events.models import Event
from event_project.events.republishing import events_to_republish, republish
from shared.api.ids import LARGEST_ID
from shared.formats.fields import InstantField

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class Command(BaseCommand):
    help = (
        "Store a message with the current state of each event, for relay_outbox to publish. "
        "It replaces a copy of the same or an older version; with --force, any copy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="only events changed then or later: RFC 3339 with an offset",
        )
        parser.add_argument(
            "--ids", nargs="+", metavar="ID", help="only these events: 1 2 3 or 1,2,3"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="replace copies of newer versions, too: after a restore of this database from a "
            "backup, or if a forged message has corrupted a copy",
        )

    def handle(
        self,
        *args: Any,
        since: str | None = None,
        ids: Sequence[str] | None = None,
        force: bool = False,
        **options: Any,
    ) -> None:
        events = events_to_republish(ids=_known_ids(ids), since=_moment(since))
        stored = 0
        # disable=None: no bar if stderr isn't a terminal.
        with tqdm(total=events.count(), unit=" events", disable=None) as bar:
            for count in republish(events, forced=force):
                stored += count
                bar.update(count)
        self.stdout.write(f"stored messages of {stored} events")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment: datetime = InstantField().run_validation(text)
    except ValidationError:
        raise CommandError(
            f"--since {text}: it must be a time in RFC 3339 with an offset, "
            "like 2026-02-20T17:00:00+07:00"
        ) from None
    return moment


def _known_ids(arguments: Sequence[str] | None) -> set[int] | None:
    if arguments is None:
        return None
    texts = [text for argument in arguments for text in re.split(r"[,\s]+", str(argument)) if text]
    if not texts:
        raise CommandError("--ids must name an event")
    if bad := [text for text in texts if not _ID.fullmatch(text)]:
        raise CommandError(f"--ids: not an event's id: {', '.join(bad)}")
    ids = {int(text) for text in texts}
    possible = [event_id for event_id in ids if event_id <= LARGEST_ID]
    known = set(Event.objects.filter(pk__in=possible).values_list("pk", flat=True))
    if unknown := sorted(ids - known):
        raise CommandError(f"--ids: no such event: {', '.join(map(str, unknown))}")
    return ids
