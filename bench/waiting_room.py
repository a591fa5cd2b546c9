"""Bookings while a crowd of twenty times as many people is in the waiting room.

In turns: the peak without a waiting room, and with one. The same number of people book, whose turn
it is; nineteen times as many try to book without a turn, join, and ask for their place, each again
as soon as the last answer is there. Nobody waits as long as they are told to.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core import signing

from bench import generator
from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.generator import Load
from bench.seed import Seeder
from bench.server import Server, running_server, verify_bookings

CONNECTIONS = 64
TIMES = 20
SEATS = 200_000
RATE = 10_000
FAR_AWAY = 10**9
_ROOM = """
    INSERT INTO bookings_waitingroom
           (event_id, rate, highest_rate, called, as_of, last_turn, early)
    VALUES (%(event)s, %(rate)s, %(rate)s, %(seats)s, now(), %(far)s, 0)
"""


@dataclass(frozen=True)
class Round:
    peak: Load
    booked: Load
    crowd: Load

    @property
    def share(self) -> float:
        """Of the peak that is left."""
        return bookings_per_second(self.booked) / bookings_per_second(self.peak)


def bookings_per_second(load: Load) -> float:
    return load.answered("201") / load.seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.waiting_room", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement; default 8")
    options = parser.parse_args()
    try:
        generator.version()
        rounds = list(_rounds(options.rounds, options.seconds))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"median: {median(each.share for each in rounds):.2f} of the peak")
    return 0


def _rounds(number: int, seconds: int) -> Iterator[Round]:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database("booking") as database,
        running_server(database.url, Path(folder) / "api.log") as server,
    ):
        settings.configure(SECRET_KEY=server.environment["BOOKING_SECRET_KEY"])
        seeder = Seeder(database)
        _book(server, seeder, seconds=2)  # so that everything is loaded
        for _ in range(number):
            peak = _book(server, seeder, seconds=seconds)
            found = Round(peak, *_with_a_crowd(server, database, seeder, Path(folder), seconds))
            if fault := verify_bookings(server):
                raise BenchError(fault)
            _report(found)
            yield found


def _book(server: Server, seeder: Seeder, *, seconds: int) -> Load:
    event = seeder.events(seats=SEATS).first
    load = generator.run(
        server.url, "book", [event, 1, SEATS], connections=CONNECTIONS, seconds=seconds
    )
    server.wait_until_quiet()
    return load


def _with_a_crowd(
    server: Server, database: Database, seeder: Seeder, folder: Path, seconds: int
) -> tuple[Load, Load]:
    event = seeder.events(seats=SEATS).first
    values = {"event": event, "rate": RATE, "seats": SEATS, "far": FAR_AWAY}
    database.connection.execute(
        "UPDATE bookings_event SET waiting_room_rate = %s WHERE id = %s", [RATE, event]
    )
    database.connection.execute(_ROOM.encode(), values)
    tokens = folder / "tokens"
    # Their turns have come: the room lets in more than can book.
    people = seconds * 5000
    tokens.write_text("".join(f"{_token(event, n, turn=SEATS)}\n" for n in range(1, people + 1)))
    with ThreadPoolExecutor(max_workers=1) as threads:
        waiting = threads.submit(
            generator.run,
            server.url,
            "wait",
            [event, _token(event, 0, turn=FAR_AWAY)],
            connections=CONNECTIONS * (TIMES - 1),
            seconds=seconds + 2,
        )
        booked = generator.run(
            server.url,
            "book_in_turn",
            [event, tokens],
            connections=CONNECTIONS,
            seconds=seconds,
        )
        crowd = waiting.result()
    server.wait_until_quiet()
    return booked, crowd


def _token(event: int, number: int, *, turn: int) -> str:
    signer = signing.Signer(salt="waiting room")
    return signer.sign_object([event, f"visitor-{number}", turn])


def _report(found: Round) -> None:
    for name, load in (
        (f"{CONNECTIONS} book, no waiting room", found.peak),
        (f"{CONNECTIONS} book in turn, meanwhile", found.booked),
    ):
        print(
            f"{name:32}{bookings_per_second(load):8,.0f} bookings/s, "
            f"99 of 100 within {load.p99:,.0f} ms, {load.answers}"
        )
    crowd = found.crowd
    answers = sum(crowd.answers.values()) / crowd.seconds
    waiting = f"{CONNECTIONS * (TIMES - 1):,} wait"
    print(f"{waiting:32}{answers:8,.0f} answers/s, {crowd.answers}")
    print(f"{'':32}{found.share:8.2f} of the peak", flush=True)


if __name__ == "__main__":
    sys.exit(main())
