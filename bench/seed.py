"""Inserts events and bookings by SQL, with the matching counters."""

from dataclasses import dataclass
from itertools import count

from bench.database import Database
from bench.filling import FIRST_EVENT, fill


@dataclass(frozen=True)
class Events:
    """`number` identical events with ids from `first` on. Each has `confirmed` and `waitlisted`
    bookings. Their ids go up from `first_booking`: the confirmed ones, then the waitlist in order.
    """

    first: int
    number: int
    seats: int
    waitlist_limit: int
    confirmed: int
    waitlisted: int
    first_booking: int

    @property
    def ids(self) -> range:
        return range(self.first, self.first + self.number)


_EVENTS = """
    INSERT INTO bookings_event
           (id, name, max_seats, waitlist_limit, price, booking_start_at, booking_end_at,
            created_at, updated_at, version, cancelled_at,
            confirmed_count, waitlisted_count, last_waitlist_order,
            honoured_seats, honoured_waitlist)
    SELECT event_id, 'Concert ' || event_id, %(seats)s, %(waitlist_limit)s, 2500,
           now() - interval '1 hour', now() + interval '1 day', now(), now(), 1, NULL,
           %(confirmed)s, %(waitlisted)s, %(waitlisted)s, 0, 0
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS event_id
"""

_BOOKINGS = """
    INSERT INTO bookings_booking (event_id, user_id, status, waitlist_order, created_at, updated_at)
    SELECT event_id, 'holder-' || place,
           CASE WHEN place <= %(confirmed)s THEN 'confirmed' ELSE 'waitlisted' END,
           CASE WHEN place > %(confirmed)s THEN place - %(confirmed)s END,
           now(), now()
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS event_id,
           generate_series(1, %(confirmed)s + %(waitlisted)s) AS place
     ORDER BY event_id, place
"""


class Seeder:
    def __init__(self, database: Database, *, filled: bool = False) -> None:
        self._database = database
        self._from_event = FIRST_EVENT if filled else None
        if filled:
            fill(database)
        self._ids = count(1)

    def events(
        self,
        *,
        number: int = 1,
        seats: int,
        waitlist_limit: int = 0,
        confirmed: int = 0,
        waitlisted: int = 0,
    ) -> Events:
        """New events with new ids. Nothing else is left in the database but what fills it."""
        first = next(self._ids)
        for _ in range(number - 1):
            next(self._ids)
        self._database.empty(from_event=self._from_event)
        facts = {
            "first": first,
            "last": first + number - 1,
            "seats": seats,
            "waitlist_limit": waitlist_limit,
            "confirmed": confirmed,
            "waitlisted": waitlisted,
        }
        self._database.connection.execute(_EVENTS, facts)
        self._database.connection.execute(_BOOKINGS, facts)
        first_booking = self._database.value(
            "SELECT coalesce(min(id), 0) FROM bookings_booking WHERE event_id = %s", first
        )
        self._database.settle()
        return Events(
            first=first,
            number=number,
            seats=seats,
            waitlist_limit=waitlist_limit,
            confirmed=confirmed,
            waitlisted=waitlisted,
            first_booking=first_booking,
        )
