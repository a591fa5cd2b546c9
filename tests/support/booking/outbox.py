"""What the booking service has told, read from its outbox."""

from typing import Any

from shared.outbox.models import OutboxMessage


def told(event_id: int | None = None) -> list[tuple[str, str, str]]:
    """Routing key, user and cause of each message, in the order in which they are published."""
    return [
        (row.routing_key, row.body["user_id"], row.body["cause"])
        for row in OutboxMessage.objects.order_by("pk")
        if event_id in (None, row.body["event_id"])
    ]


def bodies(booking_id: int) -> list[dict[str, Any]]:
    """Of the messages about one booking."""
    rows = OutboxMessage.objects.filter(ordering_key=f"booking-{booking_id}").order_by("pk")
    return [row.body for row in rows]


def forget_what_was_told() -> None:
    OutboxMessage.objects.all().delete()
