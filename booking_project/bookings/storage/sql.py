"""The SQL of the hot path: one statement for a whole group, whatever its size.

What the ORM would do row by row (or with a CASE per row) is done here with arrays. A statement
about one event names it (`about_events`). With `ADMISSION_GROUPING=event` none is about several,
and only a booking whose event isn't known yet is looked for everywhere.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from booking_project.bookings.domain.allocation import Change
from booking_project.bookings.domain.commands import CancelBooking, Command, CreateBooking
from booking_project.bookings.domain.transitions import (
    COUNTERS,
    FINAL_STATUSES,
    BookingStatus,
    Reason,
)
from booking_project.bookings.models import DESCRIPTIVE, Booking, Event, HistoryEntry
from booking_project.bookings.storage import events_of_bookings
from booking_project.bookings.storage.about_events import AboutEvents
from shared.db.arrays import Value, array_literal
from shared.db.round_trips import (
    Row,
    Statement,
    execute,
    execute_together,
    execute_with_commit,
)

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

M = TypeVar("M", bound=Model)


def _column_list(model: type[Model], names: Collection[str]) -> str:
    """In the order in which `instances` expects them."""
    columns = (f.column for f in model._meta.concrete_fields if f.attname in names)
    return ", ".join(f"{model._meta.db_table}.{column}" for column in columns)


def instances(model: type[M], rows: Iterable[Row], names: Collection[str]) -> list[M]:
    """What the ORM would make of rows with these columns, in the model's order."""
    return [model.from_db(DEFAULT_DB_ALIAS, names, row) for row in rows]


BOOKING_FIELDS = frozenset(field.attname for field in Booking._meta.concrete_fields)
EVENT_FIELDS = frozenset(field.attname for field in Event._meta.concrete_fields)
# What decisions rest on, and what the status of an event shows.
DECISIVE_FIELDS = EVENT_FIELDS - {*DESCRIPTIVE, "batches_cause"}

_EVENT = _column_list(Event, DECISIVE_FIELDS)
_BOOKING = _column_list(Booking, BOOKING_FIELDS)
_WHERE_EVENT = "WHERE [[bookings_event.id = %s|bookings_event.id = ANY(%s::bigint[])]]"
_EVENTS_BY_ID = AboutEvents(f"SELECT {_EVENT} FROM bookings_event {_WHERE_EVENT}")  # noqa: S608
_BOOKINGS_BY_ID = f"SELECT {_BOOKING} FROM bookings_booking WHERE id = ANY(%s::bigint[])"  # noqa: S608
_BOOKINGS_OF_EVENT = f"{_BOOKINGS_BY_ID} AND event_id = %s"


def _events(rows: Iterable[Row]) -> list[Event]:
    return instances(Event, rows, DECISIVE_FIELDS)


def _bookings(rows: Iterable[Row]) -> list[Booking]:
    return instances(Booking, rows, BOOKING_FIELDS)


def events_by_id(event_ids: Collection[int]) -> dict[int, Event]:
    """Without `DESCRIPTIVE`, and without compiling the query each time, which `in_bulk` would."""
    rows = _read_apart(_EVENTS_BY_ID, event_ids)
    return {event.pk: event for event in _events(rows)}


def _read_apart(sql: AboutEvents, event_ids: Collection[int]) -> Iterable[Row]:
    """In one statement for all events, or if events are kept apart, in one for each."""
    parts = [[each] for each in event_ids] if _events_are_kept_apart() else [event_ids]
    return chain.from_iterable(execute_together([sql.statement(part, []) for part in parts]))


def _events_are_kept_apart() -> bool:
    return bool(settings.ADMISSION_GROUPING == "event")


def bookings_by_id(booking_ids: Collection[int]) -> dict[int, Booking]:
    """`in_bulk`, without compiling the query each time."""
    if settings.DISTRIBUTED:
        return _bookings_anywhere(booking_ids)
    rows = execute(_BOOKINGS_BY_ID, [array_literal(booking_ids)])
    return {booking.pk: booking for booking in _bookings(rows)}


def _bookings_anywhere(booking_ids: Collection[int]) -> dict[int, Booking]:
    """Asks only the node of a booking whose event this process has seen, and for all others
    together each shard once."""
    by_event: dict[int, list[int]] = defaultdict(list)
    for booking_id, event_id in events_of_bookings.known(booking_ids).items():
        by_event[event_id].append(booking_id)
    statements = [
        Statement(_BOOKINGS_OF_EVENT, [array_literal(ids), event_id])
        for event_id, ids in by_event.items()
    ]
    rows = [*chain.from_iterable(execute_together(statements))] if statements else []
    found = {booking.pk: booking for booking in _bookings(rows)}
    others = [each for each in booking_ids if each not in found]
    if others:
        for booking in _bookings(execute(_BOOKINGS_BY_ID, [array_literal(others)])):
            found[booking.pk] = booking
            events_of_bookings.remember(booking.pk, booking.event_id)
    return found


class Snapshot(TypedDict):
    now: datetime
    active_users: list[str]


_IS_ACTIVE = " AND ".join(f"booking.status <> '{status}'" for status in FINAL_STATUSES)

# One probe of the unique index per pair, whatever the planner thinks of the table. With
# `user_id = ANY(…)` it reads all bookings of the event and filters: slower as the event fills.
_ACTIVE = f"""
    unnest(%s::bigint[], %s::text[]) AS wanted (event_id, user_id)
    CROSS JOIN LATERAL (
        SELECT FROM bookings_booking AS booking
         WHERE booking.event_id = wanted.event_id AND booking.user_id = wanted.user_id
           AND {_IS_ACTIVE} [[AND booking.event_id = %s|]]
         LIMIT 1
    ) AS active
"""

_SNAPSHOT = AboutEvents(f"""
    SELECT {_EVENT}, clock_timestamp(),
           ARRAY(SELECT wanted.user_id FROM {_ACTIVE} WHERE wanted.event_id = bookings_event.id)
      FROM bookings_event
     {_WHERE_EVENT}
""")  # noqa: S608 (a constant)


def snapshot(wanted: Sequence[CreateBooking]) -> "dict[int, WithAnnotations[Event, Snapshot]]":
    """Events without `DESCRIPTIVE`, with the database's clock and those of the users who have an
    active booking there.

    Reads everything in one statement, so all of it was true at one moment.
    """
    event_ids = {book.event_id for book in wanted}
    events: dict[int, WithAnnotations[Event, Snapshot]] = {}
    [rows] = execute_together([_SNAPSHOT.statement(event_ids, _pairs(wanted), [])])
    for *columns, now, active_users in rows:
        [event] = _events([tuple(columns)])
        event.__dict__.update(Snapshot(now=now, active_users=active_users))
        events[event.pk] = cast("WithAnnotations[Event, Snapshot]", event)
    return events


class InLine(TypedDict):
    """`waitlist_position` is 1 for the booking to be promoted next. It is None for a booking that
    isn't waiting, and beyond `FARTHEST_POSITION`."""

    waitlist_position: int | None


# One index entry is read for each place up to here, once per event and statement.
FARTHEST_POSITION = 1000

_IN_LINE = AboutEvents(f"""
    WITH asked AS (
        SELECT booking.*
          FROM unnest(%s::bigint[], %s::text[]) AS wanted (id, user_id)
          JOIN bookings_booking AS booking
            ON booking.id = wanted.id
           AND (wanted.user_id IS NULL OR booking.user_id = wanted.user_id)
           [[AND booking.event_id = %s|]]
    ), line AS (
        SELECT event.event_id, place.*
          FROM (SELECT event_id, max(waitlist_order) AS farthest
                  FROM asked WHERE status = 'waitlisted' GROUP BY event_id) AS event
         CROSS JOIN LATERAL (
               SELECT waitlist_order, row_number() OVER (ORDER BY waitlist_order) AS position
                 FROM (SELECT waitlist_order FROM bookings_booking
                        WHERE event_id = event.event_id AND status = 'waitlisted'
                          AND waitlist_order <= event.farthest
                          [[AND bookings_booking.event_id = %s|]]
                        ORDER BY waitlist_order
                        LIMIT {FARTHEST_POSITION}) AS first
               ) AS place
    )
    SELECT asked.*, line.position AS waitlist_position
      FROM asked
      LEFT JOIN line ON asked.status = 'waitlisted' AND line.event_id = asked.event_id
                    AND line.waitlist_order = asked.waitlist_order
""")  # noqa: S608 (a constant)
_EVENTS_OF_BOOKINGS = "SELECT id, event_id FROM bookings_booking WHERE id = ANY(%s::bigint[])"


def bookings_in_line(
    wanted: Collection[tuple[int, str | None]],
) -> "dict[int, WithAnnotations[Booking, InLine]]":
    """Bookings by id, with their position at the same moment. If a user is given with an id, only
    that user's booking is read; nothing is counted for anyone else's.

    It is one statement, so nobody is promoted between reading a booking and its position.
    """
    if not _events_are_kept_apart():
        return _in_line((), wanted)
    event_of = events_of_bookings.known(booking_id for booking_id, _ in wanted)
    found = _in_line_apart(wanted, event_of)
    others = {booking_id for booking_id, _ in wanted} - found.keys()
    if others:
        rows = execute(_EVENTS_OF_BOOKINGS, [array_literal(others)])
        found |= _in_line_apart(wanted, dict(rows))
    return found


def _in_line_apart(
    wanted: Collection[tuple[int, str | None]], event_of: Mapping[int, int]
) -> "dict[int, WithAnnotations[Booking, InLine]]":
    """Of those whose event is given."""
    by_event: dict[int, list[tuple[int, str | None]]] = defaultdict(list)
    for booking_id, user_id in wanted:
        if booking_id in event_of:
            by_event[event_of[booking_id]].append((booking_id, user_id))
    found: dict[int, WithAnnotations[Booking, InLine]] = {}
    for event_id, of_event in by_event.items():
        found |= _in_line([event_id], of_event)
    return found


def _in_line(
    event_ids: Collection[int], wanted: Collection[tuple[int, str | None]]
) -> "dict[int, WithAnnotations[Booking, InLine]]":
    columns = [list(column) for column in zip(*wanted, strict=True)]
    statement = _IN_LINE.statement(event_ids, columns, [])
    rows = Booking.objects.raw(statement.sql, statement.parameters)
    bookings = cast("Iterable[WithAnnotations[Booking, InLine]]", rows)
    return {booking.pk: booking for booking in bookings}


_CLOCK_AND_ACTIVE_USERS = AboutEvents(f"""
    SELECT clock.now, found.event_id, found.user_id
      FROM (SELECT clock_timestamp() AS now) AS clock
      LEFT JOIN (SELECT wanted.event_id, wanted.user_id FROM {_ACTIVE}) AS found ON true
""")  # noqa: S608 (a constant)


_TO_CANCEL = AboutEvents(f"""
    SELECT {_BOOKING} FROM bookings_booking
     WHERE [[event_id = %s AND|]] id = ANY(%s::bigint[])
""")  # noqa: S608 (a constant)

# It names one event, as the index does.
_WAITLIST_HEADS = f"""
    SELECT {_BOOKING} FROM bookings_booking
     WHERE event_id = %s AND status = '{BookingStatus.WAITLISTED}'
     ORDER BY waitlist_order
     LIMIT %s
"""  # noqa: S608 (constants)


class Facts(NamedTuple):
    """What decisions rest on besides the event's row. All but `now`, the database server's clock,
    are by event: who of the requesting users has an active booking, the bookings to be cancelled by
    their ids, and as many heads of the waitlist as there are bookings to be cancelled."""

    now: datetime
    active_users: Mapping[int, set[str]]
    bookings: Mapping[int, Mapping[int, Booking]]
    waitlists: Mapping[int, Sequence[Booking]]


def facts_statements(commands: Sequence[Command]) -> list[Statement]:
    """Their rows are for `facts_of`."""
    to_book = [command for command in commands if isinstance(command, CreateBooking)]
    to_cancel = [command for command in commands if isinstance(command, CancelBooking)]
    event_ids = {command.event_id for command in commands}
    statements = [_CLOCK_AND_ACTIVE_USERS.statement(event_ids, _pairs(to_book))]
    if to_cancel:
        seats = Counter(command.event_id for command in to_cancel)
        booking_ids = array_literal(command.booking_id for command in to_cancel)
        statements.append(_TO_CANCEL.statement(seats, [], [booking_ids]))
        statements += [Statement(_WAITLIST_HEADS, each) for each in seats.items()]
    return statements


def facts_of(results: Sequence[Sequence[Row]]) -> Facts:
    clock_and_users, *of_cancellations = results
    active_users: dict[int, set[str]] = defaultdict(set)
    for _, event_id, user_id in clock_and_users:
        if user_id is not None:
            active_users[event_id].add(user_id)
    bookings: dict[int, dict[int, Booking]] = defaultdict(dict)
    waitlists: dict[int, list[Booking]] = defaultdict(list)
    if of_cancellations:
        to_cancel, *heads = of_cancellations
        for booking in _bookings(to_cancel):
            bookings[booking.event_id][booking.pk] = booking
        for booking in _bookings(chain.from_iterable(heads)):
            waitlists[booking.event_id].append(booking)
    return Facts(clock_and_users[0][0], active_users, bookings, waitlists)


def clock() -> datetime:
    """The database server's clock, now."""
    [(now,)] = execute("SELECT clock_timestamp()")
    return cast("datetime", now)


def _pairs(wanted: Sequence[CreateBooking]) -> tuple[str, str]:
    return (
        array_literal(book.event_id for book in wanted),
        array_literal(book.user_id for book in wanted),
    )


def _arrays(types: Iterable[str]) -> str:
    """Placeholders for `_columns`."""
    return ", ".join(f"%s::{each}[]" for each in types)


_CHANGED = {"id": "bigint", "event_id": "bigint", "status": "text", "updated_at": "timestamptz"}
_UPDATE_STATUSES = AboutEvents(f"""
    UPDATE bookings_booking AS booking
       SET status = new.status, updated_at = new.updated_at
      FROM unnest({_arrays(_CHANGED.values())}) AS new ({", ".join(_CHANGED)})
     WHERE booking.id = new.id AND booking.event_id = new.event_id
           [[AND booking.event_id = %s|]]
""")  # noqa: S608 (constants)
_READ_STATUS = attrgetter(*_CHANGED)


def update_statuses(bookings: Sequence[Booking]) -> None:
    if bookings:
        execute_together([_status_update(bookings)])


def _status_update(bookings: Sequence[Booking]) -> Statement:
    event_ids = {booking.event_id for booking in bookings}
    return _UPDATE_STATUSES.statement(event_ids, _columns(map(_READ_STATUS, bookings)))


# `…_change` is added to what the row holds by then. If the lock should ever be missing, the row's
# CHECK still counts every booking and refuses one too many.
_SET_COUNTERS = ", ".join(f"{name} = event.{name} + new.{name}_change" for name in COUNTERS)
_COUNTER_CHANGES = ", ".join(f"{name}_change" for name in COUNTERS)
_COUNTERS_UPDATE = f"""
    UPDATE bookings_event AS event
       SET {_SET_COUNTERS},
           last_waitlist_order = new.last_waitlist_order,
           honoured_seats = new.honoured_seats,
           honoured_waitlist = new.honoured_waitlist
      FROM unnest(%s::bigint[], {"%s::int[], " * len(COUNTERS)} %s::int[], %s::int[], %s::int[])
           AS new (id, {_COUNTER_CHANGES}, last_waitlist_order,
                   honoured_seats, honoured_waitlist)
     WHERE event.id = new.id [[AND event.id = %s|]]
"""  # noqa: S608 (constants)
_UPDATE_COUNTERS = AboutEvents(_COUNTERS_UPDATE)


class CounterUpdate(NamedTuple):
    """`changes` are added to `COUNTERS`; the other fields are set."""

    event_id: int
    changes: tuple[int, ...]
    last_waitlist_order: int
    honoured_seats: int
    honoured_waitlist: int


def _counter_columns(updates: Sequence[CounterUpdate]) -> list[str]:
    return _columns([(event_id, *changes, *rest) for event_id, changes, *rest in updates])


def _columns(rows: Iterable[tuple[Value, ...]]) -> list[str]:
    return [array_literal(column) for column in zip(*rows, strict=True)]


_CREATED = {
    "event_id": "bigint",
    "user_id": "text",
    "status": "text",
    "waitlist_order": "int",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
}
_INSERT_BOOKINGS_AND_UPDATE_COUNTERS = AboutEvents(f"""
    WITH counted AS ({_COUNTERS_UPDATE})
    INSERT INTO bookings_booking ({", ".join(_CREATED)})
    SELECT * FROM unnest({_arrays(_CREATED.values())})
    RETURNING id
""")  # noqa: S608 (constants)
_READ_CREATED = attrgetter(*_CREATED)

# In a cluster, rows from arrays would be collected before they are sent on, and committed in two
# phases; and a node would give out ids of its own. Those of one sequence come from the coordinator.
_WITH_ID = (*_CREATED, "id")
_INSERT_BOOKINGS = f"INSERT INTO bookings_booking ({', '.join(_WITH_ID)}) VALUES "  # noqa: S608
_READ_WITH_ID = attrgetter(*_WITH_ID)
_NEXT_IDS = """
    SELECT nextval(pg_get_serial_sequence('bookings_booking', 'id')) FROM generate_series(1, %s)
"""


def save_bookings(
    *, updated: Sequence[Booking], created: Sequence[Booking], counters: Sequence[CounterUpdate]
) -> None:
    """Write everything in one round trip, and give each of the created bookings its id.

    Updates come before inserts: a user may have cancelled and booked again in the same batch.
    """
    statements = []
    if updated:
        statements.append(_status_update(updated))
    event_ids = [each.event_id for each in counters]
    if created and settings.DISTRIBUTED:
        _take_ids(created)
        statements.append(_UPDATE_COUNTERS.statement(event_ids, _counter_columns(counters)))
        statements.append(_rows_inserted(_INSERT_BOOKINGS, map(_READ_WITH_ID, created)))
        execute_together(statements)
        return
    if created:
        statements.append(
            _INSERT_BOOKINGS_AND_UPDATE_COUNTERS.statement(
                event_ids, _counter_columns(counters), _columns(map(_READ_CREATED, created))
            )
        )
    elif counters:
        statements.append(_UPDATE_COUNTERS.statement(event_ids, _counter_columns(counters)))
    if not statements:
        return
    ids = execute_together(statements)[-1]
    for booking, (booking_id,) in zip(created, ids, strict=True):
        booking.pk = booking_id
        booking._state.adding = False


def _take_ids(created: Sequence[Booking]) -> None:
    for booking, (booking_id,) in zip(created, execute(_NEXT_IDS, [len(created)]), strict=True):
        booking.pk = booking_id
        booking._state.adding = False
        events_of_bookings.remember(booking_id, booking.event_id)


def _rows_inserted(insertion: str, rows: Iterable[tuple[Any, ...]]) -> Statement:
    """Row by row: the coordinator computes defaults, and sends them to their node as they are."""
    rows = [*rows]
    placeholders = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    return Statement(insertion + placeholders, [*chain.from_iterable(rows)])


_INSERT_HISTORY = """
    INSERT INTO bookings_historyentry (event_id, booking_id, change, reason, actor, at) """
_HISTORY_FROM_ARRAYS = """
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
                         %s::timestamptz[])
"""


def history_add(changes: Sequence[Change]) -> None:
    """Note them in the caller's transaction, in their order, together with its commit. Bookings
    must have their ids."""
    if not changes:
        return
    rows = [
        (
            booking.event_id,
            booking.id,
            transition.name,
            reason.value,
            actor
            or (booking.user_id if reason is Reason.CANCELLED_BY_USER else HistoryEntry.SYSTEM),
            booking.updated_at,
        )
        for booking, transition, reason, actor, *_ in changes
    ]
    if settings.DISTRIBUTED:
        execute_with_commit(_rows_inserted(f"{_INSERT_HISTORY} VALUES ", rows))
    else:
        execute_with_commit(Statement(_INSERT_HISTORY + _HISTORY_FROM_ARRAYS, _columns(rows)))


# What the event service announces, and what follows from it for the copy.
_ANNOUNCED = {
    "id": "bigint",
    "name": "text",
    "max_seats": "int",
    "waitlist_limit": "int",
    "price": "numeric",
    "booking_start_at": "timestamptz",
    "booking_end_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "version": "int",
    "cancelled_at": "timestamptz",
    "description": "text",
    "venue": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "time_zone": "text",
    "currency": "text",
    "waiting_room_rate": "int",
}
_FOLLOWING = {
    "honoured_seats": "int",
    "honoured_waitlist": "int",
    "cancellation_pending": "boolean",
    "promotion_cause": "text",
    "batches_cause": "text",
}
_INSERT_EVENTS = f"""
    INSERT INTO bookings_event ({", ".join(_ANNOUNCED)}, last_waitlist_order,
                                honoured_seats, honoured_waitlist, {", ".join(COUNTERS)})
    SELECT new.*, 0, 0, 0, {", ".join("0" for _ in COUNTERS)}
      FROM unnest({_arrays(_ANNOUNCED.values())}) AS new
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""  # noqa: S608 (constants)
_READ_ANNOUNCED = attrgetter(*_ANNOUNCED)


def insert_events(states: Iterable[Any]) -> set[int]:
    """Insert copies of events from objects with the announced attributes. Returns the ids of those
    that did not exist. In the order of ids, because it waits for others that insert the same."""
    rows = sorted(map(_READ_ANNOUNCED, states))
    if not rows:
        return set()
    return {event_id for (event_id,) in execute(_INSERT_EVENTS, _columns(rows))}


_UPDATED = _ANNOUNCED | _FOLLOWING
_UPDATE_EVENTS = AboutEvents(f"""
    UPDATE bookings_event AS event
       SET {", ".join(f"{name} = new.{name}" for name in _UPDATED if name != "id")}
      FROM unnest({_arrays(_UPDATED.values())}) AS new ({", ".join(_UPDATED)})
     WHERE event.id = new.id [[AND event.id = %s|]]
""")  # noqa: S608 (constants)
_READ_UPDATED = attrgetter(*_UPDATED)


def update_events(events: Sequence[Event]) -> None:
    """Write everything but the counters. The rows must be locked."""
    if events:
        event_ids = [event.pk for event in events]
        columns = _columns(map(_READ_UPDATED, events))
        execute_together([_UPDATE_EVENTS.statement(event_ids, columns)])


_EVENT_VERSIONS = AboutEvents(f"SELECT id, version FROM bookings_event {_WHERE_EVENT}")  # noqa: S608


def event_versions(event_ids: Collection[int]) -> dict[int, int]:
    """The versions of the copies that exist, by id."""
    return dict(_read_apart(_EVENT_VERSIONS, event_ids))


def waitlist_heads(*, event_id: int, count: int) -> list[Booking]:
    """The first `count` waitlisted bookings of an event, in order."""
    return _bookings(execute(_WAITLIST_HEADS, [event_id, count]))


def set_lock_timeout(*, event_id: int, milliseconds: int) -> None:
    """For the current transaction, on the node of this event if it exists."""
    execute(
        "SELECT set_config('lock_timeout', %s, true) FROM bookings_event"
        " WHERE bookings_event.id = %s",
        [str(milliseconds), event_id],
    )
