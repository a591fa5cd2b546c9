"""Every row lock of the booking service.

Whoever changes an event's bookings holds that event's row. One transaction either waits for one
row, or takes several in the order of their ids and without waiting: so there is no deadlock.
"""

from collections.abc import Collection

from booking_project.bookings.models import Event


def lock_event(*, event_id: int) -> Event | None:
    """Waits for the row, at most the connection's lock timeout (then `OperationalError` 55P03)."""
    return Event.objects.select_for_update().filter(pk=event_id).first()


def lock_free_events(*, event_ids: Collection[int]) -> dict[int, Event]:
    """Those of the rows that nobody holds, locked; never waits."""
    events = Event.objects.select_for_update(skip_locked=True).filter(pk__in=event_ids)
    return {event.pk: event for event in events.order_by("pk")}
