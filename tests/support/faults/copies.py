"""The events of one service and their copies in the other, as their databases have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from tests.support.end_to_end.clients import Json
from tests.support.outbox_sql import MESSAGES, PENDING


@dataclass(frozen=True)
class EventRow:
    """What both services know of an event."""

    id: int
    name: str
    max_seats: int
    waitlist_limit: int
    price: Decimal
    booking_start_at: datetime
    booking_end_at: datetime
    description: str | None
    venue: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    time_zone: str
    currency: str
    waiting_room_rate: int | None
    created_at: datetime
    updated_at: datetime
    version: int
    cancelled_at: datetime | None


_COLUMNS = ", ".join(field.name for field in fields(EventRow))


def parse_event(answer: Json) -> EventRow:
    """An event as the API shows it."""
    times = {
        name: None if value is None else datetime.fromisoformat(value)
        for name, value in answer.items()
        if name.endswith("_at")
    }
    return EventRow(**{**answer, **times, "price": Decimal(str(answer["price"]))})


@dataclass(frozen=True)
class Databases:
    """Each call connects anew: a test may have killed the servers. Raises `OperationalError`."""

    event_url: str
    booking_url: str

    def originals(self, *, above: int = 0) -> dict[int, EventRow]:
        """Events whose id is greater than `above`."""
        return _events(self.event_url, "events_event", above)

    def copies(self, *, above: int = 0) -> dict[int, EventRow]:
        return _events(self.booking_url, "bookings_event", above)

    def pending(self) -> int:
        """Messages that are not published yet, of both services."""
        return sum(_number(url, PENDING) for url in (self.event_url, self.booking_url))

    def newest(self) -> int:
        """The highest id of an event."""
        return _number(self.event_url, "SELECT coalesce(max(id), 0) FROM events_event")

    def history(self, *, above: int) -> list[tuple[str, str, bytes]]:
        """Message id, routing key and body of all messages about events with an id > `above`."""
        with psycopg.connect(self.event_url) as connection:
            rows = connection.execute(
                f"SELECT message_id, routing_key, body::text FROM {MESSAGES}"
                " WHERE (body->>'id')::bigint > %s ORDER BY id, position".encode(),
                [above],
            )
            return [(message_id, key, body.encode()) for message_id, key, body in rows]


def differences(originals: Mapping[int, EventRow], copies: Mapping[int, EventRow]) -> list[str]:
    """How the copies differ from the originals, one sentence for each field."""
    found = []
    for event_id in sorted(originals.keys() | copies.keys()):
        original, copy = originals.get(event_id), copies.get(event_id)
        if original is None or copy is None:
            missing = "copy" if copy is None else "original"
            found.append(f"event {event_id} has no {missing}")
            continue
        for field in fields(EventRow):
            ours, theirs = getattr(original, field.name), getattr(copy, field.name)
            if ours != theirs:
                found.append(f"event {event_id}: {field.name} is {ours!r}, in the copy {theirs!r}")
    return found


def lost(acknowledged: Sequence[EventRow], copies: Mapping[int, EventRow]) -> list[EventRow]:
    """The acknowledged states that the copies don't have, nor a later one."""
    return [state for state in acknowledged if not _covers(copies.get(state.id), state)]


def _covers(copy: EventRow | None, state: EventRow) -> bool:
    return copy is not None and (copy == state or copy.version > state.version)


def _events(url: str, table: str, above: int) -> dict[int, EventRow]:
    query = f"SELECT {_COLUMNS} FROM {table} WHERE id > %s ORDER BY id"
    with psycopg.connect(url) as connection:
        cursor = connection.cursor(row_factory=class_row(EventRow))
        return {event.id: event for event in cursor.execute(query.encode(), [above])}


def _number(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])
