"""What templates are told about an event."""

from datetime import UTC
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from booking_project.bookings.domain.turns import EARLY_SECONDS
from booking_project.bookings.models import Event
from booking_project.guests.states import State, state_of
from shared.times.zones import zone_by_name, zone_of

_BOOKABLE = (State.SEATS, State.LINE)


def about(request: HttpRequest, found: Event) -> dict[str, Any]:
    """`own_zone` is the guest's, if its clocks differ from the event's. With `has_room`, the way to
    the form is through the event's waiting room."""
    now = timezone.now()
    state = state_of(found, now=now)
    opens_in = max(0, round((found.booking_start_at - now).total_seconds()))
    own_zone = zone_of(request)
    moment = found.starts_at or found.booking_start_at
    zone = zone_by_name(found.time_zone) or UTC
    if own_zone and moment.astimezone(own_zone).utcoffset() == moment.astimezone(zone).utcoffset():
        own_zone = None
    return {
        "event": found,
        "state": state,
        "own_zone": own_zone,
        "opens_in": opens_in,
        "has_room": found.waiting_room_rate is not None
        and (state in _BOOKABLE or (state is State.NOT_OPEN_YET and opens_in < EARLY_SECONDS)),
    }
