"""What a database holds after years: it must not make anything slower."""

from bench.database import Database

EVENTS = 10_000
WAITING = 100_000  # for the first of them
BOOKINGS = 1_000_000
# Above all events that scenarios make.
FIRST_EVENT = 1_000_000_000

_EVENTS = """
    INSERT INTO bookings_event
           (id, name, max_seats, waitlist_limit, price, booking_start_at, booking_end_at,
            created_at, updated_at, version, cancelled_at,
            confirmed_count, waitlisted_count, last_waitlist_order,
            honoured_seats, honoured_waitlist)
    SELECT %(first)s + place, 'Past concert ' || place, 1000, %(waiting)s, 2500,
           now() - interval '1 year', now() + interval '1 day', now(), now(), 1, NULL,
           0, 0, 0, 0, 0
      FROM generate_series(0, %(events)s - 1) AS place
"""
# In turns over the events, as they come in. A third has been cancelled.
_BOOKINGS = """
    INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
    SELECT %(first)s + place %% %(events)s, 'visitor-' || place,
           CASE WHEN place %% 3 = 0 THEN 'cancelled' ELSE 'confirmed' END,
           now() - interval '1 year', now() - interval '1 year'
      FROM generate_series(1, %(bookings)s - %(waiting)s) AS place
"""
_WAITLIST = """
    INSERT INTO bookings_booking (event_id, user_id, status, waitlist_order, created_at, updated_at)
    SELECT %(first)s, 'waiting-' || place, 'waitlisted', place,
           now() - interval '1 year', now() - interval '1 year'
      FROM generate_series(1, %(waiting)s) AS place
"""
_COUNTERS = """
    UPDATE bookings_event AS event
       SET confirmed_count = held.confirmed, waitlisted_count = held.waitlisted,
           last_waitlist_order = held.waitlisted,
           max_seats = CASE WHEN held.waitlisted > 0 THEN held.confirmed ELSE event.max_seats END
      FROM (SELECT event_id, count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
                   count(*) FILTER (WHERE status = 'waitlisted') AS waitlisted
              FROM bookings_booking WHERE event_id >= %(first)s GROUP BY event_id) AS held
     WHERE event.id = held.event_id
"""


def fill(database: Database) -> None:
    """Takes a minute. `Database.empty` leaves this alone."""
    facts = {
        "first": FIRST_EVENT,
        "events": EVENTS,
        "waiting": WAITING,
        "bookings": BOOKINGS,
    }
    for statement in (_EVENTS, _BOOKINGS, _WAITLIST, _COUNTERS):
        database.connection.execute(statement, facts)
    database.settle()
