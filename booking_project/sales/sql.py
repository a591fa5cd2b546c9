"""Statements for all events of a second at once, and reads that follow one index."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from booking_project.bookings.domain.transitions import SEAT_COUNTERS
from booking_project.bookings.storage.about_events import AboutEvents
from booking_project.sales.models import OUTCOMES, REFUSALS
from shared.db.arrays import array_literal
from shared.db.round_trips import Row, Statement, execute_together

# A commit that waits for no disk: bookings need it more than statistics do.
_WITHOUT_WAITING = "SELECT set_config('synchronous_commit', 'off', true)"

_ADD = AboutEvents(f"""
    INSERT INTO sales_sale AS sale (event_id, {", ".join(OUTCOMES)})
    SELECT added.*
      FROM unnest({", ".join(["%s::bigint[]"] * (1 + len(OUTCOMES)))})
           AS added (event_id, {", ".join(OUTCOMES)})
      JOIN bookings_event AS event ON event.id = added.event_id
     WHERE [[event.id = %s|true]]
     ORDER BY added.event_id
        ON CONFLICT (event_id) DO UPDATE
       SET {", ".join(f"{name} = sale.{name} + EXCLUDED.{name}" for name in OUTCOMES)}
""")  # noqa: S608 (constants)

_STAND = ("max_seats", "seats_taken", "waiting", *OUTCOMES)
_SEATS_TAKEN = " + ".join(f"event.{name}" for name in SEAT_COUNTERS)
# This runs just after the turn of a second and is about the one before. The rows that `_ADD` has
# locked keep processes in order, so later seconds have later figures.
_SET_SECOND = AboutEvents(f"""
    INSERT INTO sales_salesecond (event_id, at, {", ".join(_STAND)})
    SELECT event.id, date_trunc('second', clock_timestamp() - interval '0.5 seconds'),
           event.max_seats, {_SEATS_TAKEN}, event.waitlisted_count,
           {", ".join(f"sale.{name}" for name in OUTCOMES)}
      FROM sales_sale AS sale
      JOIN bookings_event AS event ON event.id = sale.event_id
     WHERE [[sale.event_id = %s|sale.event_id = ANY(%s::bigint[])]]
     ORDER BY event.id
        ON CONFLICT (event_id, at) DO UPDATE
       SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _STAND)}
""")  # noqa: S608 (constants)


def add_to_sales(rows: Sequence[tuple[int, ...]]) -> None:
    """Each row is the id of an event, and what to add to its `OUTCOMES`. In the order of ids."""
    columns = [array_literal(column) for column in zip(*rows, strict=True)]
    event_ids = [event_id for event_id, *_ in rows]
    execute_together(
        [
            Statement(_WITHOUT_WAITING),
            _ADD.statement(event_ids, columns),
            _SET_SECOND.statement(event_ids, []),
        ]
    )


class Second(NamedTuple):
    """A row of `SaleSecond`."""

    at: datetime
    max_seats: int
    seats_taken: int
    waiting: int
    confirmed: int
    waitlisted: int
    promoted: int
    cancelled: int
    fully_booked: int
    already_booked: int
    booking_not_open: int
    event_cancelled: int
    refused_otherwise: int

    @property
    def refused(self) -> int:
        """For any reason."""
        return sum(getattr(self, code) for code in REFUSALS)


class EventNow(NamedTuple):
    """An event's row, with the database's clock."""

    name: str
    max_seats: int
    waitlist_limit: int
    seats_taken: int
    waiting: int
    booking_start_at: datetime
    booking_end_at: datetime
    cancelled_at: datetime | None
    time_zone: str
    now: datetime


_EVENT = f"""
    SELECT event.name, event.max_seats, event.waitlist_limit, {_SEATS_TAKEN},
           event.waitlisted_count, event.booking_start_at, event.booking_end_at,
           event.cancelled_at, event.time_zone, clock_timestamp()
      FROM bookings_event AS event WHERE event.id = %s
"""  # noqa: S608 (a constant)
_COLUMNS = ", ".join(Second._fields)
_LATEST = f"""
    SELECT {_COLUMNS} FROM sales_salesecond WHERE event_id = %s ORDER BY at DESC LIMIT %s
"""  # noqa: S608 (a constant)
_AFTER = f"""
    SELECT {_COLUMNS} FROM sales_salesecond
     WHERE event_id = %s AND at > to_timestamp(%s) ORDER BY at LIMIT %s
"""  # noqa: S608 (a constant)
# The last row at or before each of some points in time: as many probes of the index, however long
# the sale was.
_SAMPLED = f"""
    WITH span AS (
        SELECT min(at) AS first, max(at) AS last FROM sales_salesecond WHERE event_id = %s
    )
    SELECT DISTINCT {_COLUMNS}
      FROM span
     CROSS JOIN generate_series(0, %s) AS point
     CROSS JOIN LATERAL (
           SELECT * FROM sales_salesecond
            WHERE event_id = %s AND at <= span.first + (span.last - span.first) * point / %s
            ORDER BY at DESC LIMIT 1
           ) AS second
     ORDER BY at
"""  # noqa: S608 (a constant)


def event_and_latest(*, event_id: int, count: int) -> tuple[EventNow, list[Second]] | None:
    """The event as it stands, and its latest seconds in their order."""
    [events, rows] = execute_together(
        [Statement(_EVENT, [event_id]), Statement(_LATEST, [event_id, count])]
    )
    return (EventNow(*events[0]), _seconds(reversed(rows))) if events else None


def seconds_after(*, event_id: int, since: int, count: int) -> list[Second]:
    """The first `count` after `since`, in seconds of the Unix epoch."""
    [rows] = execute_together([Statement(_AFTER, [event_id, since, count])])
    return _seconds(rows)


def sampled_seconds(*, event_id: int, count: int) -> list[Second]:
    """At most `count`, spread evenly over the time of the sale, its last one among them."""
    steps = count - 1
    [rows] = execute_together([Statement(_SAMPLED, [event_id, steps, event_id, steps])])
    return _seconds(rows)


def _seconds(rows: Iterable[Row]) -> list[Second]:
    return [Second(*row) for row in rows]
