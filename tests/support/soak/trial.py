"""The course of a soak: the peak, then load at a part of it, while one thing after the other is
restarted."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from pika.exceptions import AMQPError

from shared.messaging.topology import EVENTS_QUEUE, NOTIFICATIONS_QUEUE
from tests.support.broker import Broker
from tests.support.faults.copies import differences, lost
from tests.support.faults.servers import BOOKING_DATABASE, BROKER, EVENT_DATABASE
from tests.support.faults.told import sold_twice, verify_bookings
from tests.support.soak.memory import MemoryWatch
from tests.support.soak.system import BOOKING_API, EVENT_API, Fleet
from tests.support.soak.visitors import EVENT_SERVICE, ON_SALE, Request, Visitors, new_event
from tests.support.waiting import until

QUEUES = [EVENTS_QUEUE.name, NOTIFICATIONS_QUEUE.name]
DEAD_LETTERS = [EVENTS_QUEUE.dead_letter_queue, NOTIFICATIONS_QUEUE.dead_letter_queue]
SHARE_OF_PEAK = 0.7
MOST_PEAK_SECONDS = 60.0
WARM_UP_SECONDS = 3.0
# After a database has answered and both instances were ready: each process has its own pool, which
# tries again once a second.
POOL_SECONDS = 10.0
SETTLE_SECONDS = 600.0
# Parts of the time at which things begin, or later if what comes before has not ended. In between,
# nothing is restarted, and memory can be compared.
_ROUND, _EVENT_DATABASE, _BOOKING_DATABASE, _BROKER, _LAST_ROUND = 0.04, 0.35, 0.5, 0.65, 0.85

_NAMES = {EVENT_DATABASE: "event database", BOOKING_DATABASE: "booking database"}


@dataclass
class Step:
    """Something is restarted. `database` if it is one."""

    name: str
    began: float
    ended: float = math.inf
    database: str | None = None


@dataclass
class Soak:
    """`seconds` is how long the load lasts, at least; the restarts are spread over it."""

    system: Fleet
    seconds: float = 0.0
    visitors: Visitors = field(init=False)
    memory: MemoryWatch = field(init=False)
    steps: list[Step] = field(default_factory=list)
    peak: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    settled_after: float = 0.0

    def __post_init__(self) -> None:
        self.visitors = Visitors(self.system.nginx)
        self.memory = MemoryWatch(self._pids, seconds=max(0.5, self.seconds / 240))
        self._above = self.system.databases.newest()

    @property
    def rate(self) -> float:
        return self.peak * SHARE_OF_PEAK

    @property
    def requests(self) -> list[Request]:
        """Without those that measured the peak."""
        return [each for each in self.visitors.requests if each.sent >= self.began]

    def run(self) -> None:
        self._measure_peak()
        with self.under_load(rate=self.rate), self.memory.watching():
            self._restart_one_after_the_other()
            self._wait_until(1.0)

    @contextlib.contextmanager
    def under_load(self, *, rate: float) -> Iterator[None]:
        """For the block. Then waits until nothing is under way."""
        self._open_sale()
        self._settle()
        self.began = time.monotonic()
        with self.visitors.coming(rate=rate):
            yield
        self.ended = time.monotonic()
        self._settle()
        self.settled_after = time.monotonic() - self.ended

    def faults(self) -> list[str]:
        """What is not as it should be, beyond the 503s while a database restarts."""
        failed = Counter(
            f"{each.kind}: {each.status} {each.outcome}{self._when(each)}"
            for each in self.visitors.requests
            if not each.is_expected and self.excused_by(each) is None
        )
        return [*(f"{count} times {what}" for what, count in failed.items()), *self.wrong()]

    def wrong(self) -> list[str]:
        """What the databases and the broker hold, and shouldn't. The copies are equal by then: that
        is waited for."""
        booking_url = self.system.databases.booking_url
        copies = self.system.databases.copies(above=self._above)
        return [
            *self.visitors.told.not_so(booking_url),
            *(f"lost: {each}" for each in lost(self.visitors.events, copies)),
            *sold_twice(booking_url, above=self._above),
            *self._dead_letters(),
        ]

    def verify(self) -> None:
        verify_bookings(self.system.environ)

    def excused_by(self, request: Request) -> Step | None:
        """The restart of the service's own database, during which its 503s are right."""
        database = EVENT_DATABASE if request.kind in EVENT_SERVICE else BOOKING_DATABASE
        for step in self.steps:
            if (
                request.status == 503
                and step.database == database
                and request.ended >= step.began
                and request.sent <= step.ended + POOL_SECONDS
            ):
                return step
        return None

    def _when(self, request: Request) -> str:
        for step in self.steps:
            if request.ended >= step.began and request.sent <= step.ended:
                return f" in the {step.name}, {request.ended - step.began:.2f} s after its begin"
        return ""

    def _open_sale(self) -> None:
        with self.system.sale() as sale:
            self.visitors.begin_sale([sale.create_event(**new_event()) for _ in range(ON_SALE)])

    def _measure_peak(self) -> None:
        self._open_sale()
        seconds = min(MOST_PEAK_SECONDS, self.seconds / 10)
        with self.visitors.coming(rate=None):
            time.sleep(WARM_UP_SECONDS)
            before = len(self.visitors.requests)
            began = time.monotonic()
            time.sleep(seconds)
            self.peak = (len(self.visitors.requests) - before) / (time.monotonic() - began)

    def _restart_one_after_the_other(self) -> None:
        self._wait_until(_ROUND)
        self._restart_all_parts()
        self._wait_until(_EVENT_DATABASE)
        self._restart_database(EVENT_DATABASE, EVENT_API)
        self._wait_until(_BOOKING_DATABASE)
        self._restart_database(BOOKING_DATABASE, BOOKING_API)
        self._wait_until(_BROKER)
        with self._step("restart of the broker"), self.system.servers.stopped(BROKER):
            pass
        for each in self.system.instances:
            each.wait_until_ready()
        if self._passed() < _LAST_ROUND:
            self._wait_until(_LAST_ROUND)
            self._restart_all_parts()

    def _restart_all_parts(self) -> None:
        for kind, instances in self.system.kinds.items():
            with self._step(f"rolling restart of the {kind}"):
                for instance in instances:
                    instance.restart()

    def _restart_database(self, name: str, api: str) -> None:
        with self._step(f"restart of the {_NAMES[name]}", database=name):
            with self.system.servers.stopped(name):
                pass
            for instance in self.system.kinds[api]:
                instance.wait_until_ready()

    @contextlib.contextmanager
    def _step(self, name: str, *, database: str | None = None) -> Iterator[None]:
        step = Step(name, time.monotonic(), database=database)
        self.steps.append(step)
        yield
        step.ended = time.monotonic()

    def _passed(self) -> float:
        return (time.monotonic() - self.began) / self.seconds

    def _wait_until(self, part: float) -> None:
        time.sleep(max(0.0, self.began + part * self.seconds - time.monotonic()))

    def _pids(self) -> dict[str, int]:
        pids = {each.part.name: each.part.pid for each in self.system.instances}
        return {**pids, "nginx": self.system.nginx.process.pid}

    def _settle(self) -> None:
        """Waits until nothing is under way and the copies are equal."""
        until(lambda: not self._differences(), "equal copies", seconds=SETTLE_SECONDS)

    def _differences(self) -> list[str]:
        databases = self.system.databases
        try:
            found = differences(
                databases.originals(above=self._above), databases.copies(above=self._above)
            )
            if pending := databases.pending():
                found.append(f"{pending} messages are pending")
            with contextlib.closing(Broker(self.system.broker_url)) as broker:
                found += [f"{queue} isn't empty" for queue in QUEUES if broker.size(queue)]
        except (psycopg.OperationalError, AMQPError) as error:
            return [f"a server is away: {error!r}"]
        return found

    def _dead_letters(self) -> list[str]:
        with contextlib.closing(Broker(self.system.broker_url)) as broker:
            return [f"there are {queue}" for queue in DEAD_LETTERS if broker.size(queue)]
