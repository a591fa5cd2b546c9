"""What clients were told of their bookings, and whether the database agrees."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from tests.support.end_to_end.processes import ROOT

VERIFY_SECONDS = 180


@dataclass(frozen=True)
class Booked:
    id: int
    event: int
    status: str


@dataclass
class Told:
    """Bookings by their users. `cancelled` are those whose cancellation was acknowledged."""

    booked: dict[str, Booked] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    cancels_attempted: set[int] = field(default_factory=set)

    def not_so(self, database_url: str) -> list[str]:
        """What the database doesn't hold as it was told."""
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("SELECT id, event_id, user_id, status FROM bookings_booking")
            stored = {number: rest for number, *rest in rows}
        found = []
        for user, told in self.booked.items():
            event, name, status = stored.get(told.id, (None, None, None))
            if (event, name) != (told.event, user):
                found.append(f"booking {told.id} of {user} for event {told.event}: {event}, {name}")
            elif told.id in self.cancelled and status != "cancelled":
                found.append(f"booking {told.id}, whose cancellation was acknowledged: {status}")
            elif told.id not in self.cancels_attempted and not (
                status == told.status or (told.status, status) == ("waitlisted", "confirmed")
            ):
                found.append(f"booking {told.id}, acknowledged as {told.status}: {status}")
        if len({told.id for told in self.booked.values()}) < len(self.booked):
            found.append("an id was given to two users")
        return found


def sold_twice(database_url: str, *, above: int) -> list[str]:
    """Counted from the rows of events whose id is greater than `above`, whose capacity was never
    lowered, and whose users each asked for one booking."""
    overbooked = """
        SELECT 'event ' || event.id || ' has ' || count(*) || ' of ' || max_seats
          FROM bookings_event AS event JOIN bookings_booking AS booking
               ON booking.event_id = event.id AND booking.status = 'confirmed'
         WHERE event.id > %s GROUP BY event.id HAVING count(*) > max_seats
    """
    booked_twice = """
        SELECT user_id || ' has ' || count(*) || ' bookings'
          FROM bookings_booking WHERE event_id > %s GROUP BY user_id HAVING count(*) > 1
    """
    with psycopg.connect(database_url) as connection:
        return [
            text
            for query in (overbooked, booked_twice)
            for (text,) in connection.execute(query.encode(), [above])
        ]


def verify_bookings(environ: Mapping[str, str]) -> None:
    """Fails if the counters of an event aren't those of its bookings."""
    subprocess.run(
        [sys.executable, "manage_booking.py", "verify_bookings"],
        cwd=ROOT,
        env=dict(environ),
        check=True,
        timeout=VERIFY_SECONDS,
    )
