"""The announced messages, read from the outbox."""

from collections.abc import Mapping
from typing import Any

from tests.support.outbox import forget_all, stored


def announced() -> list[tuple[str, int, int]]:
    """Routing key, event and version of each message, oldest first."""
    return [(row.routing_key, row.body["id"], row.body["version"]) for row in stored()]


def last_body() -> Mapping[str, Any]:
    rows = stored()
    assert rows, "nothing was announced"
    return rows[-1].body


def forget() -> None:
    forget_all()
