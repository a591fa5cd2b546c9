"""Everything that reads events."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from event_project.events.errors import EventNotFound
from event_project.events.models import Event
from event_project.events.ngrams import name_has_ngrams_of

_OPEN = Q(cancelled_at__isnull=True, booking_start_at__lte=Now(), booking_end_at__gte=Now())
# An event that has yet to start has yet to end, too. Saying so lets both filters use the index.
_UPCOMING = Q(cancelled_at__isnull=True, booking_start_at__gt=Now(), booking_end_at__gt=Now())


def event_get(*, event_id: int) -> Event:
    """Raises `EventNotFound`."""
    try:
        return Event.objects.get(pk=event_id)
    except Event.DoesNotExist:
        raise EventNotFound from None


def event_list(
    *, is_open: bool | None = None, is_upcoming: bool | None = None, name: str | None = None
) -> QuerySet[Event]:
    """The events that match all given filters, by the database server's clock.

    Open: can be booked now. Upcoming: can be booked later. `name` is a part of an event's name, in
    either case, and is found through an index.
    """
    events = Event.objects.all()
    if is_open is not None:
        events = events.filter(_OPEN if is_open else ~_OPEN)
    if is_upcoming is not None:
        events = events.filter(_UPCOMING if is_upcoming else ~_UPCOMING)
    return events if name is None else events.filter(name_contains(name))


def name_contains(part: str) -> Q:
    """Events whose name contains `part`, in either case. An index finds them."""
    return Q(name_has_ngrams_of(part), name__icontains=part)
