"""One fault under load: how long nobody could book, and whether what was acknowledged is there."""

import contextlib
import itertools
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pika.exceptions import AMQPError

from devstack.cluster import layout
from devstack.cluster.stack import Cluster
from tests.support.broker import Broker
from tests.support.cluster.crowd import BOOK, CREATE, Crowd
from tests.support.cluster.parts import Parts
from tests.support.end_to_end.clients import Sale
from tests.support.faults.copies import Databases, differences, lost
from tests.support.faults.told import sold_twice, verify_bookings
from tests.support.waiting import until

SETTLE_SECONDS = 180
# How long the load goes on after the end of a fault.
AFTERWARDS_SECONDS = 10

Fault = Callable[[Parts], AbstractContextManager[object]]


@dataclass(frozen=True)
class Figures:
    """`without_bookings` and `without_events` are the longest times, in seconds, between two
    acknowledgements. `failed` counts attempts that got no answer or an error, and were repeated."""

    fault: str
    bookings: int
    events: int
    failed: int
    unanswered: int
    without_bookings: float
    without_events: float
    lost: int
    sold_twice: int
    settled_after: float


class Trials:
    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._parts = Parts(cluster)
        where = cluster.where
        self._edges = [
            (where.url("event", edge), where.url("booking", edge)) for edge in layout.EDGES
        ]

    def run(self, name: str, fault: Fault, *, seconds: float) -> Figures:
        """The fault lasts for so many seconds. Fails if anything acknowledged is lost."""
        self._require_sound()
        sale = Sale(*self._edges[0])
        with contextlib.closing(sale):
            large = [sale.create_event(max_seats=100_000) for _ in range(4)]
            small = [sale.create_event(max_seats=40, waitlist_limit=10) for _ in range(4)]
        above = min(large) - 1
        with (
            Crowd(self._edges, large=large, small=small) as crowd,
            contextlib.ExitStack() as stack,
        ):
            stack.callback(lambda: print(dict(crowd.outcomes())))
            stack.callback(crowd.write, self._folder / f"{name}.jsonl")
            until(lambda: len(crowd.successes(BOOK)) > 100, "bookings")
            began = time.monotonic()
            with fault(self._parts):
                time.sleep(seconds)
            mended = time.monotonic()
            time.sleep(AFTERWARDS_SECONDS)
            until(lambda: crowd.successes(BOOK, since=mended), "bookings afterwards")
            until(lambda: crowd.successes(CREATE, since=mended), "events afterwards")
            ended = time.monotonic()
        self._require_sound()
        until(lambda: not self._differences(crowd, above), "equal copies", seconds=SETTLE_SECONDS)
        settled = time.monotonic()
        gone = crowd.told.not_so(self._url("booking")) + [
            str(each) for each in lost(crowd.events, self._databases.copies(above=above))
        ]
        twice = sold_twice(self._url("booking"), above=above)
        figures = Figures(
            fault=name,
            bookings=len(crowd.told.booked),
            events=len(crowd.events),
            failed=sum(not _is_final(each.outcome) for each in crowd.answers),
            unanswered=sum(not each.outcome.isdigit() for each in crowd.answers),
            without_bookings=_longest_gap(crowd.successes(BOOK), began, ended),
            without_events=_longest_gap(crowd.successes(CREATE), began, ended),
            lost=len(gone),
            sold_twice=len(twice),
            settled_after=round(settled - mended, 1),
        )
        print(figures)
        assert not gone, gone[:20]
        assert not twice, twice[:20]
        verify_bookings({**os.environ, **self._cluster.manage_environ()})
        with contextlib.closing(self._broker()) as broker:
            assert broker.size(broker.dead_letter_queue) == 0, "dead letters"
        return figures

    def _require_sound(self) -> None:
        until(self._cluster.is_complete, "complete cluster", seconds=SETTLE_SECONDS)
        for service in layout.DATABASES:
            until(
                lambda service=service: self._cluster.databases.is_redundant(service),
                f"synchronous standby of the {service} service",
                seconds=SETTLE_SECONDS,
            )
        for node in self._cluster.brokers:
            until(node.sees_all, f"complete cluster of {node.name}", seconds=SETTLE_SECONDS)

    @property
    def _databases(self) -> Databases:
        urls = (self._url(service) for service in layout.DATABASES)
        return Databases(*urls)

    def _url(self, service: str) -> str:
        return self._cluster.databases.url_of_superuser(self._parts.primary(service), service)

    def _broker(self) -> Broker:
        return Broker(self._cluster.manage_environ()["RABBITMQ_URL"])

    def _differences(self, crowd: Crowd, above: int) -> list[str]:
        try:
            databases = self._databases
            copies = databases.copies(above=above)
            found = differences(databases.originals(above=above), copies)
            if pending := databases.pending():
                found.append(f"{pending} messages are pending")
            with contextlib.closing(self._broker()) as broker:
                if waiting := broker.size():
                    found.append(f"{waiting} messages wait in the queue")
        except (psycopg.OperationalError, AMQPError) as error:
            return [f"a server is away: {error!r}"]
        return found + [f"lost: {each}" for each in lost(crowd.events, copies)]


def _is_final(outcome: str) -> bool:
    return outcome.isdigit() and int(outcome) < 500


def _longest_gap(moments: list[float], began: float, ended: float) -> float:
    """Between two moments one after the other, from the last one before `began`."""
    first = max((each for each in moments if each < began), default=began)
    within = sorted(each for each in moments if first <= each <= ended)
    return round(max(b - a for a, b in itertools.pairwise([*within, ended])), 2)
