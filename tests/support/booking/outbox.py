"""The messages of the booking service, read from its outbox."""

from collections.abc import Mapping
from typing import Any

from tests.support.outbox import forget_all, stored


def told(event_id: int | None = None) -> list[tuple[str, str, str]]:
    """Routing key, user and cause of each message, in publishing order."""
    return [
        (row.routing_key, row.body["user_id"], row.body["cause"])
        for row in stored()
        if event_id in (None, row.body["event_id"])
    ]


def bodies(booking_id: int) -> list[Mapping[str, Any]]:
    """The bodies of the messages about one booking."""
    return [row.body for row in stored() if row.ordering_key == f"booking-{booking_id}"]


def forget_what_was_told() -> None:
    forget_all()
