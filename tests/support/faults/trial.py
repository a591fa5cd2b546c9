"""One scenario: what was acknowledged, whether it arrived, and how long that took."""

import math
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass

import psycopg
from pika.exceptions import AMQPError

from tests.support.faults.copies import differences, lost
from tests.support.faults.ledger import Ledger
from tests.support.faults.system import FaultySystem

SETTLE_SECONDS = 120  # without any progress; how much there is to do depends on the machine
_HANDLED = re.compile(r"event (\d+) version (\d+) (?:taken over|is not new)")


@dataclass(frozen=True)
class Figures:
    """`acknowledged`, `arrived` and `lost` count creations and edits, `duplicated` deliveries of
    a message beyond its first. `unknown` are requests that got no answer, or an error."""

    scenario: str
    acknowledged: int
    unknown: int
    arrived: int
    lost: int
    duplicated: int
    recovered_after: float


class Trial:
    """Looks at the events that are created from now on."""

    def __init__(self, scenario: str, system: FaultySystem) -> None:
        self.ledger = Ledger(system.event_url)
        self.above = system.databases.newest()
        self._scenario = scenario
        self._system = system
        self.figures: Figures | None = None
        self._log_size = len(system.consumer.text().encode())
        self._mended_at: float | None = None

    def mended(self) -> None:
        """The time to recover starts now."""
        self._mended_at = time.monotonic()

    @property
    def copies(self) -> int:
        return len(self._system.databases.copies(above=self.above))

    @property
    def duplicated(self) -> int:
        """Counts what the consumer's log says."""
        handled = _HANDLED.findall(self._system.consumer.text(self._log_size))
        return len(handled) - len(set(handled))

    def settle(self) -> None:
        """Waits until nothing is under way. Fails if a copy differs from its original,
        something acknowledged is lost, something stays pending, or anything is dead."""
        assert self._mended_at is not None, "nobody said when the fault was over"
        fewest: float = math.inf
        deadline = 0.0
        while problems := self._problems():
            left = sum(problems.values())
            if left < fewest:
                fewest, deadline = left, time.monotonic() + SETTLE_SECONDS
            shown = "\n".join(list(problems)[:20])
            assert time.monotonic() < deadline, f"{len(problems)} problems are left:\n{shown}"
            time.sleep(0.05)
        seconds = time.monotonic() - self._mended_at
        with self._system.broker() as broker:
            assert broker.size(broker.dead_letter_queue) == 0, "dead letters"
        acknowledged = len(self.ledger.acknowledged)
        copies = self._system.databases.copies(above=self.above)
        gone = len(lost(self.ledger.acknowledged, copies))
        self.figures = Figures(
            scenario=self._scenario,
            acknowledged=acknowledged,
            unknown=self.ledger.unknown,
            arrived=acknowledged - gone,
            lost=gone,
            duplicated=self.duplicated,
            recovered_after=round(seconds, 1),
        )

    def _problems(self) -> Counter[str]:
        """The problems that are left at the end, with their counts."""
        try:
            databases = self._system.databases
            pending = databases.pending()
            copies = databases.copies(above=self.above)
            found = Counter(differences(databases.originals(above=self.above), copies))
            with self._system.broker() as broker:
                waiting = broker.size()
        except (psycopg.OperationalError, AMQPError) as error:
            return Counter({f"a server is away: {error!r}": sys.maxsize})
        found.update(f"lost: {state}" for state in lost(self.ledger.acknowledged, copies))
        if pending:
            found[f"{pending} messages are pending"] = pending
        if waiting:
            found[f"{waiting} messages wait in the queue"] = waiting
        return found
