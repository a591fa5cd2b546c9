"""What many guests look at at the same moment: read at most once a second in each process."""

import functools
from collections.abc import Mapping
from typing import NamedTuple

from django.utils import timezone

from booking_project.bookings.models import Event
from booking_project.bookings.selectors import upcoming_events, waiting_line
from booking_project.bookings.storage.sharing import Shared

FRESH_SECONDS = 1.0
# The list shows no more. A search finds the others.
MOST_EVENTS = 500


class InLine(NamedTuple):
    position: int
    user_id: str


def event_seen(event_id: int) -> Event:
    """Everything about an event. Raises `EventNotFound` and `TryAgainLater`."""
    return _events().get(event_id)


def upcoming_seen() -> list[Event]:
    """The first `MOST_EVENTS` that can be booked now or later, without their descriptions."""
    return _upcoming().get(None)


def upcoming_found(search: str) -> list[Event]:
    """Those of `upcoming_seen` with this text in their name or venue, in either case. If there are
    more than that, the database searches all."""
    found = upcoming_seen()
    if len(found) == MOST_EVENTS:
        return list(upcoming_events(now=timezone.now(), search=search)[:MOST_EVENTS])
    wanted = search.casefold()
    return [
        event
        for event in found
        if wanted in event.name.casefold() or wanted in (event.venue or "").casefold()
    ]


def line_seen(event_id: int) -> Mapping[int, InLine]:
    """The head of an event's line, by the ids of bookings."""
    return _lines().get(event_id)


@functools.cache
def _events() -> Shared[int, Event]:
    return Shared(lambda event_id: Event.objects.filter(pk=event_id).first(), seconds=FRESH_SECONDS)


@functools.cache
def _upcoming() -> Shared[None, list[Event]]:
    return Shared(
        lambda _: list(upcoming_events(now=timezone.now())[:MOST_EVENTS]), seconds=FRESH_SECONDS
    )


@functools.cache
def _lines() -> Shared[int, Mapping[int, InLine]]:
    return Shared(_line, seconds=FRESH_SECONDS)


def _line(event_id: int) -> dict[int, InLine]:
    rows = waiting_line(event_id=event_id)
    return {
        booking_id: InLine(position, user_id)
        for position, (booking_id, user_id) in enumerate(rows, start=1)
    }


def forget() -> None:
    """For tests: each begins with another database."""
    for each in (_events, _upcoming, _lines):
        each.cache_clear()
