"""What a message costs the relay, and what storing it costs the transaction that it belongs to.

All figures but the delay are CPU time, which other work on the machine changes little.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import pika
import psutil
from django.db import connection, transaction

from bench.database import fresh_database
from bench.errors import BenchError
from bench.processes import manage, own_environment, running, wait
from bench.usage import cpu_seconds
from devstack import signals
from devstack.errors import Interrupted
from shared.messaging.topology import BOOKINGS_EXCHANGE

LATEST = Path(__file__).parent / "results" / "relay.json"

START_SECONDS = 60
DRAIN_SECONDS = 300
LONE_MESSAGES = 50


@dataclass(frozen=True)
class Cost:
    """CPU time in microseconds a message: of the relay, and of its PostgreSQL session."""

    messages: int
    relay: float
    session: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.relay", description=__doc__)
    parser.add_argument("--backlog", type=int, default=20_000, help="messages left by an outage")
    parser.add_argument("--group", type=int, default=8, help="messages in a transaction")
    parser.add_argument("--per-second", type=int, default=800, help="messages during the sale")
    parser.add_argument("--seconds", type=float, default=15, help="of the sale")
    options = parser.parse_args()
    signals.raise_interrupted()
    try:
        with tempfile.TemporaryDirectory() as folder, fresh_database("booking") as database:
            os.environ.update(
                BOOKING_DATABASE_URL=database.url,
                DEBUG="false",
                DJANGO_SETTINGS_MODULE="booking_project.settings",
            )
            manage("booking", own_environment(), "migrate", "--verbosity=0")
            django.setup()
            found = RelayBench(Path(folder), group=options.group).run(
                backlog=options.backlog, per_second=options.per_second, seconds=options.seconds
            )
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except BenchError as error:
        print(f"bench.relay: {error}", file=sys.stderr)
        return 1
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield "µs of CPU a message             messages     relay  its PostgreSQL session"
    for name in ("backlog", "sale"):
        cost = found[name]
        yield (f"{name:<28}{cost['messages']:>12,}{cost['relay']:>10,.0f}{cost['session']:>24,.0f}")
    for messages, cost in found["stored"].items():
        yield (
            f"storing {messages:>3} in a transaction: {cost['client']:,.0f} µs in the service, "
            f"{cost['session']:,.0f} µs in PostgreSQL, for each message"
        )
    lone = found["lone"]
    yield f"a lone message, from before its commit until it arrives: {lone:.1f} ms (median)"


@contextmanager
def _arrivals() -> Iterator[Iterator[object]]:
    """Each message of a booking when it arrives, at most `START_SECONDS` later."""
    broker = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))
    try:
        channel = broker.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, BOOKINGS_EXCHANGE, "booking.*")
        yield channel.consume(queue, auto_ack=True, inactivity_timeout=START_SECONDS)
    finally:
        broker.close()


class RelayBench:
    def __init__(self, folder: Path, *, group: int) -> None:
        self._folder = folder
        self._group = group
        self._number = 0

    def run(self, *, backlog: int, per_second: int, seconds: float) -> dict[str, Any]:
        found: dict[str, Any] = {
            "stored": {number: self._stored(number) for number in (1, self._group, 64)}
        }
        with running(
            ("manage_booking.py", "relay_outbox"), own_environment(), self._folder / "relay.log"
        ) as relay:
            self._wait_until_drained()
            found["lone"] = self._lone()
            found["sale"] = asdict(self._sale(relay, per_second=per_second, seconds=seconds))
            found["backlog"] = asdict(self._backlog(relay, backlog))
        return found

    def _stored(self, number: int) -> dict[str, float]:
        """Microseconds for each message, beyond those of a transaction without messages."""
        transactions = 2000 // number + 50
        empty, full = (self._transactions(transactions, each) for each in (0, number))
        return {
            name: (full[name] - empty[name]) / transactions / number * 1e6
            for name in ("client", "session")
        }

    def _transactions(self, count: int, messages: int) -> dict[str, float]:
        me = psutil.Process()
        client, server = time.process_time(), self._sessions(me)
        for _ in range(count):
            self._store(messages)
        return {"client": time.process_time() - client, "session": self._sessions(me) - server}

    def _lone(self) -> float:
        """Milliseconds until a queue has delivered it."""
        found = []
        with _arrivals() as arrivals:
            for _ in range(LONE_MESSAGES):
                time.sleep(0.2)
                began = time.perf_counter()
                self._store(1)
                next(arrivals)
                found.append(1000 * (time.perf_counter() - began))
        return statistics.median(found)

    def _sale(self, relay: psutil.Process, *, per_second: int, seconds: float) -> Cost:
        with self._measured(relay) as cost:
            began, groups = time.monotonic(), 0
            while time.monotonic() - began < seconds:
                self._store(self._group)
                groups += 1
                time.sleep(max(0, began + groups * self._group / per_second - time.monotonic()))
            self._wait_until_drained()
        return cost(groups * self._group)

    def _backlog(self, relay: psutil.Process, messages: int) -> Cost:
        relay.suspend()
        try:
            for _ in range(messages // self._group):
                self._store(self._group)
        finally:
            relay.resume()
        with self._measured(relay) as cost:
            self._wait_until_drained()
        return cost(messages // self._group * self._group)

    @contextmanager
    def _measured(self, relay: psutil.Process) -> Iterator[Callable[[int], Cost]]:
        used = [cpu_seconds(relay), self._sessions(relay)]

        def cost(messages: int) -> Cost:
            return Cost(messages, *(each / messages * 1e6 for each in used))

        yield cost
        used = [cpu_seconds(relay) - used[0], self._sessions(relay) - used[1]]

    def _sessions(self, of: psutil.Process) -> float:
        """CPU seconds of the PostgreSQL processes that serve that process. 0 elsewhere."""
        ports = [each.laddr.port for each in of.net_connections("tcp")]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE client_port = ANY(%s)", [ports])
            pids = [pid for (pid,) in cursor.fetchall()]
        return sum(cpu_seconds(psutil.Process(pid)) for pid in pids if psutil.pid_exists(pid))

    def _store(self, messages: int) -> None:
        from shared.outbox.services import NewMessage, outbox_add

        now = datetime.now(UTC)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # as a booking's transaction does more than store
            outbox_add(
                [
                    NewMessage(
                        exchange=BOOKINGS_EXCHANGE,
                        routing_key="booking.confirmed",
                        ordering_key=f"booking-{number}",
                        body={
                            "id": number,
                            "event_id": 7,
                            "event_name": "Golang Workshop",
                            "user_id": f"user-{number}",
                            "status": "confirmed",
                            "created_at": now,
                            "updated_at": now,
                            "cause": "booked",
                        },
                    )
                    for number in range(self._number, self._number + messages)
                ]
            )
        self._number += messages

    def _pending(self) -> int:
        from shared.outbox.status import outbox_status

        return outbox_status().pending

    def _wait_until_drained(self) -> None:
        wait(lambda: self._pending() == 0, DRAIN_SECONDS, "messages were still pending")


if __name__ == "__main__":
    sys.exit(main())
