"""A written event becomes an outbox row in the same transaction, and a message after its commit."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from event_project.events.messages import announcement
from event_project.events.models import Event
from event_project.events.querysets import rows_written
from shared.outbox.after_commit import publish_after_commit
from shared.outbox.services import outbox_add


@receiver(post_save, sender=Event, dispatch_uid="announce_saved_event")
def announce_saved_event(
    sender: type[Event], instance: Event, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Fixtures (`raw`) announce nothing: they restore what has been announced before.

    The row is read again: the instance may be stale, partial, or hold expressions.
    """
    if not raw:
        _announce(Event.objects.using(using).filter(pk=instance.pk), created=created)


@receiver(rows_written, sender=Event, dispatch_uid="announce_written_events")
def announce_written_events(
    sender: type[Event], rows: Sequence[Event], created: bool, **kwargs: Any
) -> None:
    _announce(rows, created=created)


def _announce(events: Iterable[Event], *, created: bool) -> None:
    outbox_add([announcement(event, created=created) for event in events])
    publish_after_commit()
