"""The waiting room of an event that more people want to book than can be served at once.

A visitor's place is in a signed token. All that is stored is one row for each room. What a room
looks like is read at most once a second in each process, so a booking that has to wait is refused
without a query.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from time import monotonic

from booking_project.bookings.domain.allocation import refuse_full
from booking_project.bookings.domain.errors import (
    BookingNotOpen,
    EventCancelled,
    EventNotFound,
    InvalidTurn,
    MustWait,
    NoWaitingRoom,
    TurnMissed,
)
from booking_project.bookings.domain.turns import (
    DRAWN,
    EARLY_SECONDS,
    Place,
    PlaceState,
    Room,
    Ticket,
)
from booking_project.bookings.metrics import WAITING_ROOM
from booking_project.bookings.models import Event
from booking_project.bookings.storage.loaders import Loader
from booking_project.bookings.storage.sharing import Shared
from booking_project.bookings.storage.sql import events_by_id
from booking_project.bookings.storage.waiting_rooms import room_join, room_row
from booking_project.bookings.tickets import draw_of, ticket_in, token_of
from shared.serving.processor import Processor
from shared.serving.turns import Line

FRESH_SECONDS = 1.0

# The events with a waiting room that this process knows of. As long as it is empty, nothing is
# asked about any room. It is filled by the first booking that the database's copy of the event
# refuses.
_known: set[int] = set()


def room_enter(*, event_id: int, user_id: str) -> str:
    """Give a newcomer the last place in line. Returns the token.

    Raises `EventNotFound`, `NoWaitingRoom`, `EventCancelled`, `BookingNotOpen`, `FullyBooked` and
    `TryAgainLater`.
    """
    room = _room(event_id)
    _refuse_entry(room)
    turn = _entries().load(_Entry(room.event))
    WAITING_ROOM.labels("joined").inc()
    return token_of(Ticket(event_id, user_id, turn))


def place_in_line(*, event_id: int, token: str, user_id: str | None = None) -> Place:
    """With `user_id` it must be the place of this user. Raises `EventNotFound`, `NoWaitingRoom`,
    `InvalidTurn` and `TryAgainLater`."""
    return _place(_room(event_id), ticket_in(token, event_id=event_id, user_id=user_id))


def has_turn(*, event_id: int, user_id: str, token: str | None) -> bool:
    """Whether the token lets this user book now. False if nothing is known of a waiting room: the
    decision under the event's lock still refuses whoever has no turn.

    Raises `MustWait`, `InvalidTurn`, `TurnMissed`, `EventNotFound` and `TryAgainLater`.
    """
    if token is None and event_id not in _known:
        return False
    try:
        room = _room(event_id)
    except NoWaitingRoom:
        return False
    if not room.is_open(now=monotonic()):
        return False  # the decision says why nobody can book
    if token is None:
        raise _must_wait(room, room.place_of_newcomer(now=monotonic()))
    try:
        place = _place(room, ticket_in(token, event_id=event_id, user_id=user_id))
    except InvalidTurn:
        WAITING_ROOM.labels("invalid").inc()
        raise
    if place.state is PlaceState.MISSED:
        WAITING_ROOM.labels("missed").inc()
        raise TurnMissed
    if place.state is not PlaceState.READY:
        raise _must_wait(room, place)
    return True


def must_wait(event_id: int) -> MustWait:
    """For a booking without a turn that the decision has refused."""
    _known.add(event_id)
    room = _rooms().get(event_id)
    return _must_wait(room, room.place_of_newcomer(now=monotonic()))


def line_of(method: str, path: str, headers: Collection[tuple[str, str]]) -> Line:
    """Where a request waits for its turn in the worker: first, unless it is about a waiting room
    and comes from someone whose turn it isn't. Slowly, while bookings need the processor. Reads
    nothing but memory."""
    if not _known:
        return Line.FIRST
    match = _OF_ROOM.match(path)
    if match is None or int(match["event"]) not in _known:
        return Line.FIRST
    event_id, what = int(match["event"]), match["what"]
    room = _rooms().known(event_id)
    if what == "bookings" and method != "POST":
        return Line.FIRST
    if what != "waiting-room" and (room is None or _is_ready(room, headers)):
        return Line.FIRST
    return Line.SLOW if room is None or room.gives_way else Line.LATER


def _is_ready(room: Room, headers: Collection[tuple[str, str]]) -> bool:
    event_id = room.event.pk
    token = _token_in(headers, event_id=event_id)
    if token is None:
        return False
    try:
        ticket = ticket_in(token, event_id=event_id)
    except InvalidTurn:
        return False
    return _place(room, ticket).state is PlaceState.READY


def cookie_name(event_id: int) -> str:
    return f"waiting_room_{event_id}"


_HEADER = "WAITING-ROOM-TOKEN"
_OF_ROOM = re.compile(
    r"/(?:api/v1/)?events/(?P<event>[1-9][0-9]{0,17})/(?P<what>waiting-room|bookings|book)(?:\?|\Z)"
)


def _token_in(headers: Collection[tuple[str, str]], *, event_id: int) -> str | None:
    for name, value in headers:
        if name == _HEADER:
            return value
        if name == "COOKIE":
            try:
                cookie = SimpleCookie(value).get(cookie_name(event_id))
            except CookieError:
                continue
            if cookie is not None:
                return cookie.value
    return None


def _place(room: Room, ticket: Ticket) -> Place:
    return room.place(ticket, draw=draw_of(ticket), now=monotonic())


def _must_wait(room: Room, place: Place) -> MustWait:
    WAITING_ROOM.labels("must_wait").inc()
    return MustWait(
        event_id=room.event.pk, position=place.position, retry_after=max(1, place.retry_after)
    )


def _refuse_entry(room: Room) -> None:
    if room.event.cancelled_at is not None:
        raise EventCancelled
    if not room.is_open(now=monotonic(), early=EARLY_SECONDS):
        raise BookingNotOpen
    refuse_full(room.event)


def _room(event_id: int) -> Room:
    """At most a second old. Raises `NoWaitingRoom`, `EventNotFound` and `TryAgainLater`."""
    try:
        room = _rooms().get(event_id)
    except EventNotFound:
        _known.discard(event_id)
        raise
    if room.event.waiting_room_rate is None:
        _known.discard(event_id)
        raise NoWaitingRoom
    _known.add(event_id)
    return room


@functools.cache
def _rooms() -> Shared[int, Room]:
    return Shared(_read_room, seconds=FRESH_SECONDS)


def _read_room(event_id: int) -> Room | None:
    event = events_by_id([event_id]).get(event_id)
    if event is None:
        return None
    rate, opens = event.waiting_room_rate, event.booking_start_at
    row = room_row(event_id=event_id, opens=opens)
    if rate is not None and row.rate not in (None, rate):
        room_join(event_id=event_id, opens=opens, rate=rate, people=0)
        row = room_row(event_id=event_id, opens=opens)
    before = _rooms().known(event_id)
    is_selling = before is None or _taken(before.event) != _taken(event)
    return Room(
        event=event,
        gives_way=is_selling and _processor().is_busy(),
        rate=rate or 1,
        highest_rate=max(rate or 1, row.highest_rate or 1),
        called=row.called or 0.0,
        last_turn=row.last_turn or 0,
        early=row.early or 0,
        opens_in=(opens - row.now).total_seconds(),
        seen_at=monotonic(),
    )


@functools.cache
def _processor() -> Processor:
    return Processor()


def _taken(event: Event) -> int:
    return event.seats_taken + event.waitlisted_count


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    event: Event


@functools.cache
def _entries() -> Loader[_Entry, int]:
    """Those who come at the same moment get their turns by one statement for each event."""
    return Loader(_enter_together, missing=NoWaitingRoom)


def _enter_together(entries: Collection[_Entry]) -> dict[_Entry, int]:
    by_event: dict[int, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_event[entry.event.pk].append(entry)
    turns: dict[_Entry, int] = {}
    for event_id, of_event in by_event.items():
        event = of_event[0].event
        last, is_early = room_join(
            event_id=event_id,
            opens=event.booking_start_at,
            rate=event.waiting_room_rate or 1,
            people=len(of_event),
        )
        first = last - len(of_event) + 1
        for number, entry in enumerate(of_event):
            turns[entry] = DRAWN if is_early else first + number
    return turns


def forget() -> None:
    """For tests: each begins with another database."""
    _known.clear()
    _rooms.cache_clear()
    _entries.cache_clear()
