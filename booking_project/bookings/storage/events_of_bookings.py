"""Which event a booking belongs to, as far as this process has seen it.

That never changes. It is a hint, so that a distributed database is asked on one node: whoever finds
nothing there looks everywhere.
"""

from collections.abc import Iterable

MOST_KEPT = 50_000

_events: dict[int, int] = {}


def known(booking_ids: Iterable[int]) -> dict[int, int]:
    """The events of those bookings that were seen."""
    return {each: _events[each] for each in booking_ids if each in _events}


def remember(booking_id: int, event_id: int) -> None:
    """Forgets the one that was seen first, if there are too many."""
    if len(_events) >= MOST_KEPT:
        _events.pop(next(iter(_events)), None)
    _events[booking_id] = event_id
