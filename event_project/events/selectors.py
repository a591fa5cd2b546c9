"""Everything that reads events."""

from django.db.models import QuerySet

from event_project.events.errors import EventNotFound
from event_project.events.models import Event


def event_get(*, event_id: int) -> Event:
    """Raises `EventNotFound`."""
    try:
        return Event.objects.get(pk=event_id)
    except Event.DoesNotExist:
        raise EventNotFound from None


def event_list() -> QuerySet[Event]:
    return Event.objects.all()
