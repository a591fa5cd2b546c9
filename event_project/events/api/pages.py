"""What the browsable API shows besides the responses: links, and bodies to start from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from event_project.events.api.serializers import EventInput
from shared.api.pages import Link, Page


def _new_event(_: Any) -> Mapping[str, Any]:
    """Ready to send: bookable at once, for a week."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    return {
        "name": "Golang Workshop Bangkok",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500,
        "booking_start_at": start,
        "booking_end_at": start + timedelta(days=7),
        "venue": "BITEC, Bangkok",
        "starts_at": start + timedelta(days=14, hours=9),
        "ends_at": start + timedelta(days=14, hours=17),
    }


def _changes(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: event[name] for name, _ in EventInput().fields.items()}


EVENTS = Page(
    links={"Open": "/api/v1/events?open=true", "Upcoming": "/api/v1/events?upcoming=true"},
    item=Link("#{id} {name}", "/api/v1/events/{id}"),
    bodies={"POST": _new_event},
)
EVENT = Page(
    links={
        "How full it is": "{BOOKING_PUBLIC_URL}/api/v1/events/{id}/status",
        "Its bookings": "{BOOKING_PUBLIC_URL}/api/v1/events/{id}/bookings",
        "Cancel it": "/api/v1/events/{id}/cancel",
    },
    bodies={"PATCH": _changes},
)
