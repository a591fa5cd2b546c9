"""What was announced, as the outbox holds it."""

from typing import Any

from shared.outbox.models import OutboxMessage


def announced() -> list[tuple[str, int, int]]:
    """Routing key, event and version of each message, oldest first."""
    return [(row.routing_key, row.body["id"], row.body["version"]) for row in _rows()]


def last_body() -> dict[str, Any]:
    row = _rows().last()
    assert row is not None, "nothing was announced"
    body: dict[str, Any] = row.body
    return body


def forget() -> None:
    _rows().delete()


def _rows() -> Any:
    return OutboxMessage.objects.order_by("pk")
