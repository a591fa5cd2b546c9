"""How many event messages a second the consumer takes, and what they cost in CPU time.

Each turn consumes a filled queue twice: first the events are new, then nothing in them is. With
`--before`, another checkout's consumer has every other turn.
"""

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pika
import psutil
from pika.adapters.blocking_connection import BlockingChannel

from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.processes import ROOT, listener, manage, own_environment, running, wait
from bench.usage import cpu_seconds
from devstack import signals
from devstack.errors import Interrupted
from shared.messaging.topology import EVENTS_EXCHANGE, EVENTS_QUEUE, declare

MOST_SECONDS = 600
NEW, UNCHANGED = "new", "unchanged"
# Among unchanged events, so that their copies tell how far the consumer is.
NEW_EVERY = 100


@dataclass(frozen=True)
class Cost:
    """CPU times are in microseconds per message."""

    rate: float
    consumer: float
    postgresql: float
    broker: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.consumer", description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="of each kind (default 5000)")
    parser.add_argument("--turns", type=int, default=3, help="of each checkout (default 3)")
    parser.add_argument("--before", type=Path, help="another checkout, to compare with")
    options = parser.parse_args()
    checkouts = [ROOT] if options.before is None else [options.before.resolve(), ROOT]
    signals.raise_interrupted()
    found: dict[Path, list[dict[str, Cost]]] = {checkout: [] for checkout in checkouts}
    try:
        for turn in range(options.turns):
            for checkout in checkouts if turn % 2 == 0 else reversed(checkouts):
                found[checkout].append(_turn(checkout, options.messages))
    except BenchError as error:
        print(f"bench.consumer: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    print("\n".join(_lines(found)))
    return 0


def _lines(found: Mapping[Path, Sequence[Mapping[str, Cost]]]) -> Iterator[str]:
    yield "medians; CPU in µs per message    per second   consumer  PostgreSQL    broker"
    for checkout, turns in found.items():
        for kind in (NEW, UNCHANGED):
            costs = [turn[kind] for turn in turns]
            yield (
                f"{kind:<10}{checkout.name:<22}"
                f"{median(cost.rate for cost in costs):>12,.0f}"
                f"{median(cost.consumer for cost in costs):>11,.0f}"
                f"{median(cost.postgresql for cost in costs):>12,.0f}"
                f"{median(cost.broker for cost in costs):>10,.0f}"
            )


def _turn(checkout: Path, messages: int) -> dict[str, Cost]:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database("booking") as database,
        _queue() as channel,
    ):
        environment = own_environment(
            BOOKING_DATABASE_URL=database.url, WORKER_STATE_DIR=folder, DEBUG="false"
        )
        manage("booking", environment, "migrate", "--verbosity=0", checkout=checkout)
        costs = {}
        copies = 0
        for kind, every in ((NEW, 1), (UNCHANGED, NEW_EVERY)):
            for number in range(messages):
                is_new = number % every == 0
                copies += is_new
                _publish(channel, copies if is_new else number)
            _wait_for(functools.partial(_is_filled, channel, messages))
            arguments = ("manage_booking.py", "consume_events")
            log = Path(folder) / "consumer.log"
            with running(arguments, environment, log, checkout=checkout) as consumer:
                costs[kind] = _cost(database, consumer, until=copies, every=every)
        return costs


def _cost(database: Database, consumer: psutil.Process, *, until: int, every: int) -> Cost:
    """From the first new copies to that of event `until`. There is one to `every` messages."""
    broker_port = pika.URLParameters(own_environment()["RABBITMQ_URL"]).port
    processes = (consumer, database.postmaster(), listener(broker_port))
    already = _newest_copy(database)
    _wait_for(lambda: _newest_copy(database) > already)
    before = [cpu_seconds(process) for process in processes]
    began, first = time.monotonic(), _newest_copy(database)
    _wait_for(lambda: _newest_copy(database) == until)
    seconds = time.monotonic() - began
    messages = (until - first) * every
    used = [
        1e6 * (cpu_seconds(process) - cpu) / messages
        for process, cpu in zip(processes, before, strict=True)
    ]
    return Cost(messages / seconds, *used)


def _newest_copy(database: Database) -> int:
    return int(database.value("SELECT coalesce(max(id), 0) FROM bookings_event"))


def _wait_for(condition: Callable[[], bool]) -> None:
    wait(condition, MOST_SECONDS, f"the queue was not consumed within {MOST_SECONDS} s")


@contextmanager
def _queue() -> Iterator[BlockingChannel]:
    """The events queue, empty."""
    url = own_environment().get("RABBITMQ_URL")
    if not url:
        raise BenchError("RABBITMQ_URL is not set: type `make bench-consumer`")
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        declare(channel)
        channel.queue_purge(EVENTS_QUEUE.name)
        yield channel
    finally:
        connection.close()


def _is_filled(channel: BlockingChannel, messages: int) -> bool:
    answer: Any = channel.queue_declare(EVENTS_QUEUE.name, passive=True)
    return int(answer.method.message_count) == messages


def _publish(channel: BlockingChannel, event_id: int) -> None:
    now = datetime.now(UTC)
    body = {
        "id": event_id,
        "name": f"Golang Workshop Bangkok {event_id}",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500.5,
        "booking_start_at": now.isoformat(),
        "booking_end_at": (now + timedelta(days=1)).isoformat(),
        "description": "Two days of **Go**, from goroutines to profiling.\n" * 10,
        "venue": "BITEC, Bangkok",
        "starts_at": (now + timedelta(days=7)).isoformat(),
        "ends_at": (now + timedelta(days=7, hours=8)).isoformat(),
        "time_zone": "Asia/Bangkok",
        "currency": "THB",
        "waiting_room_rate": None,
        "created_at": now.isoformat(),
        "updated_at": now.isoformat(),
        "version": 1,
        "cancelled_at": None,
    }
    properties = pika.BasicProperties(
        message_id=f"bench-{event_id}",
        type="event.created",
        delivery_mode=pika.DeliveryMode.Persistent,
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
    channel.basic_publish(EVENTS_EXCHANGE, "event.created", json.dumps(body).encode(), properties)


if __name__ == "__main__":
    sys.exit(main())
