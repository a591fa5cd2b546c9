"""Everything that runs beside the booking API in production: the event service, the workers and the
broker. On one machine they all share the same cores.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pika
import psutil

from bench.database import Database, fresh_database
from bench.errors import BenchError
from bench.processes import listener, manage, own_environment, running, wait
from bench.server import START_SECONDS, Server, has_started
from devstack.ports import LOOPBACK, private
from shared.messaging.topology import EVENTS_QUEUE, NOTIFICATIONS_QUEUE

DRAIN_SECONDS = 600


@dataclass(frozen=True)
class Background:
    """`processes` by the name that the report shows. The broker is missing if it doesn't run on
    this machine or belongs to another user."""

    processes: Mapping[str, psutil.Process]
    bookings: Database
    broker_url: str

    def wait_until_drained(self) -> float:
        """Seconds until every message has left the outbox and every queue is empty.

        Raises `BenchError` if a worker has ended, or if messages are left after `DRAIN_SECONDS`.
        """
        began = time.monotonic()
        wait(
            self._is_drained,
            DRAIN_SECONDS,
            f"messages were still waiting {DRAIN_SECONDS} s after the load",
        )
        return time.monotonic() - began

    def _is_drained(self) -> bool:
        for name, process in self.processes.items():
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise BenchError(f"{name} has ended")
        pending = self.bookings.value(
            "SELECT count(*) FROM outbox_outboxentry WHERE published_at IS NULL"
        )
        return pending == 0 and self._queued() == 0

    def _queued(self) -> int:
        connection = pika.BlockingConnection(pika.URLParameters(self.broker_url))
        try:
            channel = connection.channel()
            return sum(
                int(channel.queue_declare(queue.name, passive=True).method.message_count)
                for queue in (EVENTS_QUEUE, NOTIFICATIONS_QUEUE)
            )
        finally:
            connection.close()


@contextmanager
def running_background(server: Server, bookings: Database, folder: Path) -> Iterator[Background]:
    """Runs the event service and all workers for the block. Mails are written to files."""
    broker_url = server.environment.get("RABBITMQ_URL")
    if not broker_url:
        raise BenchError("RABBITMQ_URL is not set: type `make bench BENCH=--whole`")
    mails = folder / "mails"
    mails.mkdir()
    port = private()["EVENT_PORT"]
    with ExitStack() as stack:
        events = stack.enter_context(fresh_database("event"))
        event_environment = own_environment(
            EVENT_DATABASE_URL=events.url, EVENT_PORT=str(port), BIND_HOST=LOOPBACK, DEBUG="false"
        )
        booking_environment = {**server.environment, "EMAIL_URL": f"file:///{mails}"}
        manage("event", event_environment, "migrate", "--verbosity=0")

        def start(name: str, environment: Mapping[str, str], *arguments: str) -> psutil.Process:
            log = folder / f"{name.replace(' ', '-')}.log"
            return stack.enter_context(running(arguments, environment, log))

        processes = {
            "event api": start(
                "event api",
                event_environment,
                *("-m", "gunicorn", "--config", "deploy/gunicorn_event.py", "event_project.wsgi"),
            ),
            "event relay": start(
                "event relay", event_environment, "manage_event.py", "relay_outbox"
            ),
            "relay": start("relay", booking_environment, "manage_booking.py", "relay_outbox"),
            "consumer": start(
                "consumer", booking_environment, "manage_booking.py", "consume_events"
            ),
            "notifier": start(
                "notifier", booking_environment, "manage_booking.py", "notify_bookings"
            ),
        }
        wait(
            lambda: has_started(processes["event api"], f"http://{LOOPBACK}:{port}"),
            START_SECONDS,
            "the event API did not start",
        )
        broker = listener(urlsplit(broker_url).port or 5672)
        if broker is not None:
            processes["broker"] = broker
        background = Background(processes, bookings, broker_url)
        _wait_for_consumers(broker_url)
        yield background


def _wait_for_consumers(broker_url: str) -> None:
    def consumed() -> bool:
        connection = pika.BlockingConnection(pika.URLParameters(broker_url))
        try:
            channel = connection.channel()
            return all(
                channel.queue_declare(queue.name, passive=True).method.consumer_count
                for queue in (EVENTS_QUEUE, NOTIFICATIONS_QUEUE)
            )
        except pika.exceptions.ChannelClosedByBroker:
            return False  # the queues are not declared yet
        finally:
            connection.close()

    wait(consumed, START_SECONDS, "the consumer or the notifier did not start")
