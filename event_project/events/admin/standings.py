"""What the booking service says about events: how full they are, and which version it has."""

import http.client
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from event_project.events.models import Event
from shared.auth.fetching import fetch

logger = logging.getLogger(__name__)

SECONDS = 0.3
MOST_EVENTS = 100
_MAX_BYTES = 512 * 1024


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Of one event. `seats_available` are those for newcomers."""

    version: int
    confirmed: int
    waiting: int
    seats_available: int


class Copy(Enum):
    """Whether the booking service has the latest version of an event."""

    UP_TO_DATE = "up to date"
    ON_ITS_WAY = "on its way"
    UNKNOWN = "unknown"

    @property
    def label(self) -> Any:
        return _COPIES[self]


_COPIES = {
    Copy.UP_TO_DATE: _("Up to date"),
    Copy.ON_ITS_WAY: _("On its way"),
    Copy.UNKNOWN: _("Unknown"),
}


class State(Enum):
    UPCOMING = "upcoming"
    OPEN = "open"
    SOLD_OUT = "sold out"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> Any:
        return _STATES[self]


_STATES = {
    State.UPCOMING: _("Upcoming"),
    State.OPEN: _("Open"),
    State.SOLD_OUT: _("Sold out"),
    State.CLOSED: _("Closed"),
    State.CANCELLED: _("Cancelled"),
}


@dataclass(frozen=True)
class Seen:
    """An event as both services know it. `standing` is None if the booking service doesn't answer,
    and if it doesn't have the event yet; `answered` tells which."""

    event: Event
    standing: Standing | None
    answered: bool

    @property
    def copy(self) -> Copy:
        if not self.answered:
            return Copy.UNKNOWN
        if self.standing is None or self.standing.version < self.event.version:
            return Copy.ON_ITS_WAY
        return Copy.UP_TO_DATE

    @property
    def state(self) -> State:
        state = window_state(self.event, now=timezone.now())
        if state is State.OPEN and self.standing and self.standing.seats_available == 0:
            return State.SOLD_OUT
        return state


def window_state(event: Event, *, now: datetime) -> State:
    """By the booking window alone."""
    if event.cancelled_at is not None:
        return State.CANCELLED
    if now < event.booking_start_at:
        return State.UPCOMING
    return State.OPEN if now <= event.booking_end_at else State.CLOSED


def look_up(events: Sequence[Event]) -> dict[int, Seen]:
    """By id. Asks the booking service once, about the first `MOST_EVENTS`, and waits `SECONDS` at
    most."""
    asked = [event.pk for event in events[:MOST_EVENTS]]
    found = _fetch(asked) if asked else {}
    return {
        event.pk: Seen(
            event, (found or {}).get(event.pk), answered=found is not None and event.pk in asked
        )
        for event in events
    }


def _fetch(event_ids: Iterable[int]) -> dict[int, Standing] | None:
    if not settings.BOOKING_URL:
        return None
    query = urlencode([*(("id", event_id) for event_id in event_ids), ("limit", MOST_EVENTS)])
    url = f"{settings.BOOKING_URL}/api/v1/events?{query}"
    try:
        rows = json.loads(fetch(url, seconds=SECONDS, max_bytes=_MAX_BYTES))
        return {
            row["id"]: Standing(
                version=row["version"],
                confirmed=row["confirmed_count"],
                waiting=row["waitlisted_count"],
                seats_available=row["seats_available"],
            )
            for row in rows
        }
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        logger.warning("the booking service did not say how full events are: %r", error)
        return None
