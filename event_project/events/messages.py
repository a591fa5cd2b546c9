"""The messages that tell the world about events: always the full state, never a delta."""

from datetime import UTC, datetime
from typing import Any

from event_project.events.models import Event
from shared.json import json_number

EVENT_CREATED = "event.created"


def event_message(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "name": event.name,
        "max_seats": event.max_seats,
        "waitlist_limit": event.waitlist_limit,
        "price": json_number(event.price),
        "booking_start_at": _rfc3339(event.booking_start_at),
        "booking_end_at": _rfc3339(event.booking_end_at),
        "created_at": _rfc3339(event.created_at),
        "updated_at": _rfc3339(event.updated_at),
        "version": event.version,
        "cancelled_at": _rfc3339(event.cancelled_at) if event.cancelled_at else None,
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
