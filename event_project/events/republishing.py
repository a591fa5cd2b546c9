"""Announces events again, for receivers whose copy is lost or damaged."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from event_project.events.messages import FORCED, REPUBLISHED, announcement
from event_project.events.models import Event
from shared.outbox.after_commit import publish_after_commit
from shared.outbox.services import outbox_add

REPUBLISH_BATCH = 500


def events_to_republish(
    *, ids: Collection[int] | None = None, since: datetime | None = None
) -> QuerySet[Event]:
    """The events in `ids`, or all; if given, only those changed at `since` (aware) or later."""
    events = Event.objects.all()
    if ids is not None:
        events = events.filter(pk__in=ids)
    if since is not None:
        events = events.filter(updated_at__gte=since)
    return events


def republish(events: QuerySet[Event], *, forced: bool) -> Iterator[int]:
    """Store a message with the state of each event, and yield the size of each stored batch.

    `forced`: the message replaces a copy whatever the copy's version.

    A batch is one transaction that locks its rows in the order of their ids, so its messages can't
    come after the message of a later change.
    """
    last_id = 0
    while True:
        with transaction.atomic():
            rows = events.filter(pk__gt=last_id).order_by("pk").select_for_update()
            batch = list(rows[:REPUBLISH_BATCH])
            if batch:
                headers = FORCED if forced else REPUBLISHED
                outbox_add([announcement(event, headers=headers) for event in batch])
                publish_after_commit()
        if not batch:
            return
        last_id = batch[-1].pk
        yield len(batch)
