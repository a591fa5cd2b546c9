"""A saved event becomes an outbox row in the same transaction, and a message after its commit."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from event_project.events.messages import EVENT_CREATED, event_message
from event_project.events.models import Event
from shared.messaging.topology import EVENTS_EXCHANGE
from shared.outbox.after_commit import publish_after_commit
from shared.outbox.services import outbox_add


@receiver(post_save, sender=Event, dispatch_uid="tell_of_created_event")
def tell_of_created_event(
    sender: type[Event], instance: Event, created: bool, raw: bool, **kwargs: Any
) -> None:
    if raw or not created:
        return
    with transaction.atomic():
        row = outbox_add(
            exchange=EVENTS_EXCHANGE, routing_key=EVENT_CREATED, body=event_message(instance)
        )
        publish_after_commit(row)
