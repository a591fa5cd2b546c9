"""A saved event becomes an outbox row in the same transaction, and a message after the commit."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from event_project.events.messages import announcement
from event_project.events.models import Event
from shared.outbox.after_commit import publish_after_commit
from shared.outbox.services import outbox_add


@receiver(post_save, sender=Event, dispatch_uid="announce_saved_event")
def announce_saved_event(
    sender: type[Event], instance: Event, created: bool, raw: bool, **kwargs: Any
) -> None:
    """Fixtures (`raw`) announce nothing: they restore what was announced before.

    The instance matches the stored row: `Event.save` takes what it doesn't write from the row.
    """
    if not raw:
        outbox_add([announcement(instance, created=created)])
        publish_after_commit()
