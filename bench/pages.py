"""What each page takes with 200 events and 28,000 bookings: time at the server, and queries.

The booking service that the event desk asks is a real one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pika

from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.processes import ROOT, manage, own_environment
from bench.server import running_server
from shared.messaging.topology import declare

EVENTS = 200
BOOKINGS = 28_000
# Sold out, with places left in line.
_EVENT_ROWS = """
    INSERT INTO {table} (id, name, max_seats, waitlist_limit, price, description, venue, starts_at,
                         ends_at, booking_start_at, booking_end_at, created_at, updated_at, version
                         {counters})
    SELECT n, 'Concert ' || n, 80, 60, 2500, repeat('**Three** bands and food. ', 20),
           'Asiatique, Bangkok', now() + n * interval '1 day',
           now() + n * interval '1 day' + interval '3 hours', now() - interval '1 day',
           now() + interval '9 days', now(), now(), 1 {counts}
      FROM generate_series(1, %s) AS n
"""
_BOOKINGS = """
    INSERT INTO bookings_booking
           (event_id, user_id, status, waitlist_order, created_at, updated_at)
    SELECT n %% %s + 1, 'user-' || n || '@example.com',
           CASE n / %s %% 7 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'waitlisted'
                            WHEN 2 THEN 'waitlisted' ELSE 'confirmed' END,
           n, now() - (%s - n) * interval '1 second', now()
      FROM generate_series(1, %s) AS n
"""
_CONTACTS = """
    INSERT INTO contacts_contact (user_id, name, language, updated_at)
    SELECT user_id, 'Guest ' || id, 'th', now() FROM bookings_booking WHERE id %% 2 = 0
"""
_HISTORY = """
    INSERT INTO bookings_historyentry (event_id, booking_id, change, reason, actor, at)
    SELECT event_id, id, 'cancelled', 'cancelled_by_user', user_id, now()
      FROM bookings_booking WHERE status = 'cancelled'
"""
_MAILS = """
    INSERT INTO bookings_notification (message_id, booking_id, kind, address, sent_at)
    SELECT gen_random_uuid(), id, 'promoted', user_id, now()
      FROM bookings_booking WHERE id %% 5 = 0
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="of each page; default 30")
    options = parser.parse_args()
    try:
        _measure(options.rounds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database("booking") as bookings,
        fresh_database("event") as events,
        running_server(bookings.url, Path(folder) / "api.log") as server,
    ):
        environment = own_environment(
            **{
                **server.environment,
                "EVENT_DATABASE_URL": events.url,
                "BOOKING_URL": server.url,
                "BOOKING_PUBLIC_URL": server.url,
                "DEBUG": "false",
            }
        )
        manage("event", environment, "migrate", "--verbosity=0")
        manage("event", environment, "collectstatic", "--noinput", "--verbosity=0")
        _declare(environment["RABBITMQ_URL"])
        _fill(bookings, events)
        print(f"{'page':34}{'median ms':>10}{'worst ms':>10}{'queries':>9}")
        for service in ("event", "booking"):
            _run(service, environment, rounds)


def _declare(broker_url: str) -> None:
    """The queues, which the first pages ask about."""
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    declare(connection.channel())
    connection.close()


def _fill(bookings: Database, events: Database) -> None:
    plain = _EVENT_ROWS.format(table="events_event", counters="", counts="")
    events.connection.execute(plain.encode(), [EVENTS])
    events.connection.execute("ANALYZE")
    copies = _EVENT_ROWS.format(
        table="bookings_event",
        counters=", confirmed_count, waitlisted_count, last_waitlist_order, honoured_seats,"
        " honoured_waitlist",
        counts=", 80, 40, 40, 0, 0",
    )
    bookings.connection.execute(copies.encode(), [EVENTS])
    bookings.connection.execute(_BOOKINGS.encode(), [EVENTS, EVENTS, BOOKINGS, BOOKINGS])
    for statement in (_CONTACTS, _HISTORY, _MAILS):
        bookings.connection.execute(statement.replace("%%", "%").encode())
    bookings.connection.execute("ANALYZE")


def _run(service: str, environment: dict[str, str], rounds: int) -> None:
    """In a process of its own, because each has only one settings module."""
    settings = {"DJANGO_SETTINGS_MODULE": f"{service}_project.settings"}
    ended = subprocess.run(
        [sys.executable, "-m", "bench.page_times", service, str(rounds)],
        cwd=ROOT,
        env={**os.environ, **environment, **settings},
        check=False,
    )
    if ended.returncode != 0:
        raise BenchError(f"the pages of the {service} service could not be measured")


if __name__ == "__main__":
    sys.exit(main())
