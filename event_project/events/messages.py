"""The messages that announce events: always the full state, never a delta.

A message's `version` is the event's. A receiver that has this version or a newer one ignores the
message. If the header `x-republished` is "true", it applies an equal version, too. If `x-forced` is
also "true", it applies any version.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from event_project.events.models import Event
from shared.formats.json import json_number
from shared.messaging.topology import EVENTS_EXCHANGE
from shared.observability.tracing import PassedOn, step
from shared.outbox.services import NewMessage

EVENT_CREATED = "event.created"
EVENT_UPDATED = "event.updated"
EVENT_CANCELLED = "event.cancelled"

REPUBLISHED = {"x-republished": "true"}
FORCED = {**REPUBLISHED, "x-forced": "true"}


def announcement(
    event: Event, *, created: bool = False, headers: Mapping[str, str] | None = None
) -> NewMessage:
    """The message that announces `event` as it is. Messages of one event keep their order."""
    return NewMessage(
        exchange=EVENTS_EXCHANGE,
        routing_key=EVENT_CREATED if created else _key_of_change(event),
        ordering_key=f"event-{event.pk}",
        body=event_message(event),
        headers=headers or {},
        # Receivers may rely on a trace.
        step=step.get() or PassedOn.new(),
    )


def event_message(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "name": event.name,
        "max_seats": event.max_seats,
        "waitlist_limit": event.waitlist_limit,
        "price": json_number(event.price),
        "booking_start_at": _rfc3339(event.booking_start_at),
        "booking_end_at": _rfc3339(event.booking_end_at),
        "description": event.description,
        "venue": event.venue,
        "starts_at": _rfc3339_or_null(event.starts_at),
        "ends_at": _rfc3339_or_null(event.ends_at),
        "time_zone": event.time_zone,
        "currency": event.currency,
        "waiting_room_rate": event.waiting_room_rate,
        "created_at": _rfc3339(event.created_at),
        "updated_at": _rfc3339(event.updated_at),
        "version": event.version,
        "cancelled_at": _rfc3339_or_null(event.cancelled_at),
    }


def _key_of_change(event: Event) -> str:
    return EVENT_UPDATED if event.cancelled_at is None else EVENT_CANCELLED


def _rfc3339_or_null(moment: datetime | None) -> str | None:
    return None if moment is None else _rfc3339(moment)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
