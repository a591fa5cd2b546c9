"""How long an event takes to reach the other service, and what an unavailable broker costs."""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from devstack import signals
from devstack.errors import Interrupted
from tests.support.end_to_end.clients import EVENTS, event_input, open_client
from tests.support.end_to_end.system import OwnProcesses, System, own_system
from tests.support.faults.copies import Databases, differences
from tests.support.faults.load import load
from tests.support.faults.servers import BROKER, Servers

LATEST = Path(__file__).parent / "results" / "messaging.json"

PER_SECOND = 50
WARM_UP_SECONDS = 3
SETTLE_SECONDS = 300

_TELL = """
    CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('bench', NEW.id::text); RETURN NULL; END $$;
    CREATE TRIGGER bench_tell AFTER INSERT ON {table}
        FOR EACH ROW EXECUTE FUNCTION bench_tell();
"""


@dataclass(frozen=True)
class Spread:
    """In milliseconds."""

    count: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Drain:
    """In seconds since the broker became available again."""

    rows: int
    published: float
    copied: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.messaging", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--rows", type=int, default=10_000, help="that an outage leaves behind")
    options = parser.parse_args()
    signals.raise_interrupted()
    try:
        with tempfile.TemporaryDirectory() as name, own_system(Path(name)) as system:
            bench = MessagingBench(system.event_url, system.booking_url, _own(system))
            found = bench.run(seconds=options.seconds, rows=options.rows)
    except Interrupted as interrupted:
        return 128 + interrupted.number
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"milliseconds, at {PER_SECOND}/s       count      p50      p99  longest"
    for phase, figures in found.items():
        if phase == "drain":
            continue
        spreads = {"": figures} if "p50" in figures else figures
        for what, spread in spreads.items():
            values = (spread["p50"], spread["p99"], spread["longest"])
            yield f"{phase + ' ' + what:<28}{spread['count']:>10}" + "".join(
                f"{value:>9,.1f}" for value in values
            )
    drain = found["drain"]
    yield (
        f"{drain['rows']:,} pending rows: published after {drain['published']} s, "
        f"copied after {drain['copied']} s"
    )


def _own(system: System) -> OwnProcesses:
    assert system.own is not None
    return system.own


class MessagingBench:
    def __init__(self, event_url: str, booking_url: str, own: OwnProcesses) -> None:
        self._events = open_client(event_url)
        self._bookings = open_client(booking_url)
        self._databases = Databases(
            own.environ["EVENT_DATABASE_URL"], own.environ["BOOKING_DATABASE_URL"]
        )
        self._servers = Servers(
            event_url=self._databases.event_url,
            booking_url=self._databases.booking_url,
            broker_url=own.environ["RABBITMQ_URL"],
        )

    def run(self, *, seconds: float, rows: int) -> dict[str, Any]:
        sale = self._create(name="A sale", max_seats=1_000_000)
        self._wait(lambda: sale in self._databases.copies())
        self._under_load(sale, WARM_UP_SECONDS)
        self._settle()
        found: dict[str, Any] = {"from commit to copy": asdict(self._latency(seconds))}
        found["with the broker"] = self._under_load(sale, seconds)
        self._settle()
        with self._servers.frozen(BROKER):
            found["with the broker frozen"] = self._under_load(sale, seconds)
        self._settle()
        with self._servers.stopped(BROKER):
            found["with the broker stopped"] = self._under_load(sale, seconds)
            self._fill(rows)
        found["drain"] = asdict(self._drain())
        return found

    def _latency(self, seconds: float) -> Spread:
        with (
            _told(self._databases.event_url, "events_event") as committed,
            _told(self._databases.booking_url, "bookings_event") as copied,
        ):
            with load(self._create, per_second=PER_SECOND):
                time.sleep(seconds)
            self._settle()
            self._wait(lambda: len(copied) == len(committed))
        return _spread([copied[each] - committed[each] for each in committed])

    def _under_load(self, sale: int, seconds: float) -> dict[str, Any]:
        creations: list[float] = []
        bookings: list[float] = []
        with (
            load(lambda: creations.append(_timed(self._create)), per_second=PER_SECOND),
            load(lambda: bookings.append(_timed(lambda: self._book(sale))), per_second=PER_SECOND),
        ):
            time.sleep(seconds)
        return {"create": asdict(_spread(creations)), "book": asdict(_spread(bookings))}

    def _fill(self, rows: int) -> None:
        """Creates events until `rows` of their messages are pending."""

        def create() -> None:
            while self._databases.pending() < rows:
                for _ in range(100):
                    self._create()

        creators = [threading.Thread(target=create) for _ in range(8)]
        for creator in creators:
            creator.start()
        for creator in creators:
            creator.join()

    def _drain(self) -> Drain:
        began = time.monotonic()
        rows = self._databases.pending()
        newest = self._databases.newest()
        self._wait(lambda: self._databases.pending() == 0)
        published = time.monotonic() - began
        self._wait(lambda: len(self._databases.copies()) >= newest)
        copied = time.monotonic() - began
        self._settle()
        return Drain(rows=rows, published=round(published, 1), copied=round(copied, 1))

    def _settle(self) -> None:
        self._wait(
            lambda: (
                self._databases.pending() == 0
                and not differences(self._databases.originals(), self._databases.copies())
            )
        )

    def _create(self, **changes: Any) -> int:
        answer = self._events.post(EVENTS, json=event_input(**changes))
        return int(_answered(answer)["id"])

    def _book(self, event_id: int) -> None:
        user = {"user_id": f"user-{time.monotonic_ns()}-{threading.get_ident()}"}
        _answered(self._bookings.post(f"{EVENTS}/{event_id}/bookings", json=user))

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not ready():
            assert time.monotonic() < deadline, "the system did not settle"
            time.sleep(0.1)


@contextmanager
def _told(url: str, table: str) -> Iterator[dict[int, float]]:
    """When each row of `table` was committed, by id, according to this process's clock."""
    found: dict[int, float] = {}
    done = threading.Event()

    def listen(connection: psycopg.Connection[Any]) -> None:
        while not done.is_set():
            for notification in connection.notifies(timeout=0.5):
                found[int(notification.payload)] = time.perf_counter()

    with ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        connection.execute(_TELL.format(table=table).encode())
        stack.callback(connection.execute, b"DROP FUNCTION bench_tell CASCADE")
        connection.execute(b"LISTEN bench")
        listener = threading.Thread(target=listen, args=[connection])
        listener.start()
        stack.callback(listener.join)
        stack.callback(done.set)
        yield found


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _answered(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _spread(seconds: list[float]) -> Spread:
    ordered = sorted(1000 * each for each in seconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return Spread(count=len(ordered), p50=at(0.5), p99=at(0.99), longest=round(ordered[-1], 1))


if __name__ == "__main__":
    sys.exit(main())
