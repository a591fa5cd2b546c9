"""A sale, second by second: who arrives, who waits, who asks again.

The API gives each request that it has the same share of its CPU time, so requests end in the order
in which they came, but under overload all of them end late. `python -m bench.capacity.check`
compares this with a real sale.
"""

import math
from collections import deque
from dataclasses import dataclass, field

STEP = 0.1  # seconds
NOBODY = 1e-6  # people
LONGEST = 600.0  # seconds; a crowd that asks again and again may never get all its answers


@dataclass(frozen=True, kw_only=True)
class Sale:
    """`people` arrive after the opening, most of them at once: after each `half_life` seconds, half
    of those who were to come have come. Whoever has no answer after `patience` seconds asks again.
    """

    people: int
    seats: int
    half_life: float
    patience: float = 30.0

    def arrived(self, at: float) -> float:
        return float(self.people * (1 - 0.5 ** (at / self.half_life)))


@dataclass(frozen=True, kw_only=True)
class Service:
    """`cores` answer; a booking and a refusal cost microseconds of CPU. No event books faster than
    `row_per_second`."""

    cores: float
    booking_us: float
    refusal_us: float
    row_per_second: float = math.inf


@dataclass
class Outcome:
    """Times in seconds after the opening; None for what never happened. `waits` counts the people
    who got an answer by how long they waited for it, in steps."""

    sold_out_at: float | None = None
    asked_again: float = 0.0
    peak_per_second: float = 0.0
    waits: dict[int, float] = field(default_factory=dict)

    def answer(self, number: float, *, step: int, since: int) -> None:
        waited = step - since
        self.waits[waited] = self.waits.get(waited, 0.0) + number

    @property
    def answered(self) -> float:
        return sum(self.waits.values())

    def longest_wait(self, share: float) -> float:
        """The wait that `share` (0 to 1) of the people had at most."""
        wanted = share * self.answered
        so_far = 0.0
        for step in sorted(self.waits):
            so_far += self.waits[step]
            if so_far >= wanted:
                return step * STEP
        return 0.0


@dataclass
class _Requests:
    """Those that are sent in one step and not answered yet. `since` is when these people asked
    first, in steps; `had_us` is the CPU time that each has had. An `again` has been decided by the
    time it ends, because requests end in order. Nobody waits for the answer if it is `given_up`."""

    number: float
    since: int
    again: bool = False
    given_up: bool = False
    had_us: float = 0.0


def simulate(sale: Sale, service: Service) -> Outcome:
    """What becomes of everybody, until all have their answers or `LONGEST` is over."""
    line = _Line(sale, service)
    for step in range(round(LONGEST / STEP)):
        line.arrive(step)
        line.process(step)
        if line.is_done(step):
            break
    return line.outcome


class _Line:
    def __init__(self, sale: Sale, service: Service) -> None:
        self.outcome = Outcome()
        self._sale = sale
        self._service = service
        self._seats = float(sale.seats)
        self._requests: deque[_Requests] = deque()
        self._sent: deque[list[_Requests]] = deque()
        self._patience = round(sale.patience / STEP)

    def arrive(self, step: int) -> None:
        number = self._sale.arrived((step + 1) * STEP) - self._sale.arrived(step * STEP)
        self.outcome.peak_per_second = max(self.outcome.peak_per_second, number / STEP)
        new = [_Requests(number=number, since=step)] if number > NOBODY else []
        if len(self._sent) == self._patience:
            for old in self._sent.popleft():
                if old.number > 0:
                    old.given_up = True
                    self.outcome.asked_again += old.number
                    new.append(_Requests(number=old.number, since=old.since, again=True))
        self._sent.append(new)
        self._requests.extend(new)

    def process(self, step: int) -> None:
        cpu_us = self._service.cores * STEP * 1e6
        row = self._service.row_per_second * STEP
        while self._requests:
            first = self._requests[0]
            is_booking = self._seats > 0 and not first.again
            price = self._service.booking_us if is_booking else self._service.refusal_us
            missing_us = max(0.0, price - first.had_us)
            present = sum(each.number for each in self._requests)
            if missing_us * present > cpu_us:
                for each in self._requests:
                    each.had_us += cpu_us / present
                return
            cpu_us -= missing_us * present
            for each in self._requests:
                each.had_us += missing_us
            done = min(first.number, self._seats, row) if is_booking else first.number
            if is_booking:
                self._seats -= done
                row -= done
                if self._seats <= 0:
                    self.outcome.sold_out_at = (step + 1) * STEP
            first.number -= done
            if not first.given_up:
                self.outcome.answer(done, step=step, since=first.since)
            if first.number <= 0:
                self._requests.popleft()
            elif self._seats > 0:
                return  # the row is held

    def is_done(self, step: int) -> bool:
        everybody_came = self._sale.people - self._sale.arrived(step * STEP) < 0.5
        return everybody_came and not self._requests
