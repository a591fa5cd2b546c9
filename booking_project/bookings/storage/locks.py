"""Every row lock of the booking service.

A transaction that changes an event's bookings holds that event's row. It either waits for one row,
or takes several in the order of their ids without waiting, so it can't deadlock.
"""

from collections.abc import Collection

from booking_project.bookings.models import Event
from booking_project.bookings.storage.sql import set_lock_timeout

BRIEF_WAIT_MS = 250


def lock_event(*, event_id: int) -> Event | None:
    """Waits for the row, at most the connection's lock timeout (then `OperationalError` 55P03)."""
    return Event.objects.select_for_update().filter(pk=event_id).first()


def lock_event_briefly(*, event_id: int) -> Event | None:
    """Waits for the row at most `BRIEF_WAIT_MS`, then `OperationalError` 55P03. The same limit then
    holds for every other lock in the transaction."""
    set_lock_timeout(milliseconds=BRIEF_WAIT_MS)
    return lock_event(event_id=event_id)


def lock_free_events(*, event_ids: Collection[int]) -> dict[int, Event]:
    """Lock the rows that no other transaction holds. Never waits."""
    events = Event.objects.select_for_update(skip_locked=True).filter(pk__in=event_ids)
    return {event.pk: event for event in events.order_by("pk")}
