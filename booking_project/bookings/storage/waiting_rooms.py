"""The counters of waiting rooms. Each statement is about one event."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

# How many turns have come up at a time. If statements of two processes cross, it never goes back.
_CALLED = """
    room.called + room.rate
        * greatest(0, extract(epoch FROM {now} - greatest(room.as_of, %(opens)s))::float8)
"""
_CALLED_BY_JOINING = _CALLED.format(now="excluded.as_of")

# The turns until now came up at the rate that held until now.
_JOIN = f"""
    INSERT INTO bookings_waitingroom AS room
           (event_id, rate, highest_rate, called, as_of, last_turn, early)
    SELECT %(event_id)s, %(rate)s, %(rate)s, 0, clock.now, %(people)s,
           CASE WHEN clock.now < %(opens)s THEN %(people)s ELSE 0 END
      FROM (SELECT clock_timestamp() AS now) AS clock
        ON CONFLICT (event_id) DO UPDATE
       SET rate = excluded.rate,
           highest_rate = greatest(room.highest_rate, excluded.rate),
           called = {_CALLED_BY_JOINING},
           as_of = greatest(room.as_of, excluded.as_of),
           last_turn = greatest(room.last_turn, floor({_CALLED_BY_JOINING})) + excluded.last_turn,
           early = room.early + excluded.early
     WHERE room.event_id = %(event_id)s
 RETURNING room.last_turn, room.as_of < %(opens)s
"""  # noqa: S608 (constants)
_SEE = f"""
    SELECT clock.now, room.rate, room.highest_rate, {_CALLED.format(now="clock.now")},
           room.last_turn, room.early
      FROM (SELECT clock_timestamp() AS now) AS clock
      LEFT JOIN bookings_waitingroom AS room ON room.event_id = %(event_id)s
"""  # noqa: S608 (constants)


class RoomRow(NamedTuple):
    """The columns are None until somebody has joined."""

    now: datetime
    rate: int | None
    highest_rate: int | None
    called: float | None
    last_turn: int | None
    early: int | None


def room_row(*, event_id: int, opens: datetime) -> RoomRow:
    with connection.cursor() as cursor:
        cursor.execute(_SEE, {"event_id": event_id, "opens": opens})
        return RoomRow(*cursor.fetchone())


def room_join(*, event_id: int, opens: datetime, rate: int, people: int) -> tuple[int, bool]:
    """Give out turns to `people`, or with 0 only begin to use this rate. Returns the last of the
    turns, and whether the event has yet to open."""
    values: dict[str, Any] = {
        "event_id": event_id,
        "opens": opens,
        "rate": rate,
        "people": people,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, values)
        last_turn, is_early = cursor.fetchone()
    return last_turn, is_early
