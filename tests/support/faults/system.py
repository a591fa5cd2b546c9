"""Both services as processes, with a proxy before each server."""

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from pika.exceptions import AMQPError

from tests.support.broker import Broker
from tests.support.end_to_end.processes import Part
from tests.support.end_to_end.servers import fresh_database, fresh_vhost, required
from tests.support.end_to_end.system import (
    free_port,
    gunicorn,
    migrate,
    neutral_environ,
    relay,
    wait_until_healthy,
)
from tests.support.faults.copies import Databases
from tests.support.faults.servers import Servers
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until


@dataclass(frozen=True)
class Ways:
    """From a part to a server."""

    event_api_to_broker: TcpProxy
    event_api_to_database: TcpProxy
    relay_to_broker: TcpProxy
    consumer_to_broker: TcpProxy
    consumer_to_database: TcpProxy

    @property
    def to_broker(self) -> tuple[TcpProxy, ...]:
        return self.event_api_to_broker, self.relay_to_broker, self.consumer_to_broker

    def mend(self) -> None:
        for proxy in vars(self).values():
            proxy.mend()


@dataclass
class FaultySystem:
    event: Part
    booking: Part
    relay: Part
    booking_relay: Part
    consumer: Part
    event_url: str
    booking_url: str
    broker_url: str
    ways: Ways
    servers: Servers
    databases: Databases

    @property
    def parts(self) -> list[Part]:
        return [self.event, self.booking, self.relay, self.booking_relay, self.consumer]

    def ensure_running(self) -> None:
        """Everything runs and answers, and no proxy is cut."""
        self.ways.mend()
        for part in self.parts:
            if not part.is_running:
                part.start()
        wait_until_healthy(self.event_url, self.event)
        wait_until_healthy(self.booking_url, self.booking)
        until(self.is_consuming, "consumer", seconds=120)

    def is_consuming(self) -> bool:
        try:
            with self.broker() as broker:
                return broker.consumers() == 1
        except AMQPError:
            return False  # away, or there is no queue yet

    def has_queues(self) -> bool:
        try:
            with self.broker() as broker:
                return all(
                    broker.size(name) >= 0 for name in (broker.queue, broker.dead_letter_queue)
                )
        except AMQPError:
            return False

    @contextlib.contextmanager
    def broker(self) -> Iterator[Broker]:
        """A connection without a proxy."""
        broker = Broker(self.broker_url)
        try:
            yield broker
        finally:
            broker.close()

    @contextlib.contextmanager
    def without(self, part: Part) -> Iterator[None]:
        assert part.stop() == 0, f"{part.name} ended badly"
        try:
            yield
        finally:
            part.start()


@contextlib.contextmanager
def faulty_system(folder: Path, *, broker_url: str | None = None) -> Iterator[FaultySystem]:
    """On fresh databases and, unless `broker_url` leads elsewhere, a fresh virtual host. All of it
    is gone afterwards."""
    with ExitStack() as stack:
        event_db = stack.enter_context(durable_database(required("EVENT_DATABASE_URL")))
        booking_db = stack.enter_context(durable_database(required("BOOKING_DATABASE_URL")))
        broker = broker_url or stack.enter_context(fresh_vhost(required("RABBITMQ_URL")))
        environ = {
            **neutral_environ(),
            "EVENT_DATABASE_URL": event_db,
            "BOOKING_DATABASE_URL": booking_db,
            "RABBITMQ_URL": broker,
        }
        migrate(environ)

        def way_to(url: str) -> TcpProxy:
            parts = urlsplit(url)
            assert parts.hostname is not None
            assert parts.port is not None
            proxy = TcpProxy(parts.hostname, parts.port)
            stack.callback(proxy.close)
            return proxy

        ways = Ways(
            way_to(broker), way_to(event_db), way_to(broker), way_to(broker), way_to(booking_db)
        )
        event_port, booking_port = free_port(), free_port()
        system = FaultySystem(
            event=gunicorn(
                "event",
                event_port,
                {
                    **environ,
                    "RABBITMQ_URL": ways.event_api_to_broker.url(broker),
                    "EVENT_DATABASE_URL": ways.event_api_to_database.url(event_db),
                },
                folder,
            ),
            booking=gunicorn("booking", booking_port, environ, folder),
            relay=relay({**environ, "RABBITMQ_URL": ways.relay_to_broker.url(broker)}, folder),
            booking_relay=Part(
                "booking-relay", ["manage_booking.py", "relay_outbox"], environ, folder
            ),
            consumer=Part(
                "consumer",
                ["manage_booking.py", "consume_events"],
                {
                    **environ,
                    "RABBITMQ_URL": ways.consumer_to_broker.url(broker),
                    "BOOKING_DATABASE_URL": ways.consumer_to_database.url(booking_db),
                },
                folder,
            ),
            event_url=f"http://127.0.0.1:{event_port}",
            booking_url=f"http://127.0.0.1:{booking_port}",
            broker_url=broker,
            ways=ways,
            servers=Servers(event_url=event_db, booking_url=booking_db, broker_url=broker),
            databases=Databases(event_db, booking_db),
        )
        for part in system.parts:
            stack.callback(part.kill)
            part.start()
        system.ensure_running()
        yield system


@contextlib.contextmanager
def durable_database(server_url: str) -> Iterator[str]:
    """Where what is committed outlives the server's processes, on one that is started to be fast,
    too: there a commit doesn't wait until it has left the memory of the server."""
    with fresh_database(server_url) as url:
        name = urlsplit(url).path.removeprefix("/")
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(f"ALTER DATABASE {name} SET synchronous_commit = on".encode())
        yield url
