"""Brings commands to their event's row in batches. Commands that wait at the same time share a
transaction, so a sale costs one commit per batch, not per booking.

    arrives ──► queue of its event, if there is one ───────────────────────┐
        └─────► common queue: refused without a lock where possible        │
                  ├─► decided with all others whose event row is free      │
                  └─► row held elsewhere ──► queue of its event ───────────┤
                                                                           ▼
                                      queue of one event: waits for the row, then decides likewise

The common queue never waits for a row, so an event whose row is held doesn't delay other events.
An event's queue waits for the row, at most the lock timeout, and is removed once it is empty. A
hot event always has its own queue: while one process writes, the commands in the other processes
gather for their next turn.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from booking_project.bookings.domain.commands import Command
from booking_project.bookings.domain.errors import TryAgainLater
from booking_project.bookings.metrics import BATCH_SECONDS, BATCH_SIZE
from booking_project.bookings.models import Booking
from shared.concurrency.batching import Batcher, BatchFailed, NotStarted
from shared.db.errors import is_unavailable
from shared.db.release import release_connection
from shared.errors import DomainError
from shared.idempotency.requests import Result

MAX_WAIT_SECONDS = 5.0


class Decision(NamedTuple):
    """What a transaction decided on a command. Others see it once the transaction has committed."""

    command: Command
    result: Result[Booking] | DomainError

    def announce(self) -> None:
        if isinstance(self.result, DomainError):
            self.command.outcome.set_exception(self.result)
        else:
            self.command.outcome.set_result(self.result)


Decide = Callable[[Sequence[Command]], Sequence[Decision]]


class Admission:
    """The queues of this process.

    `decide_without_lock` decides on commands that need no lock. `decide_free` decides on those
    whose event row is free, in one transaction. `decide_event` decides on those of one event and
    waits for its row. Each leaves out the commands that it doesn't decide on.
    """

    def __init__(
        self,
        *,
        decide_without_lock: Decide,
        decide_free: Decide,
        decide_event: Callable[[int, Sequence[Command]], Sequence[Decision]],
        max_batch: int,
        has_common_queue: bool,
    ) -> None:
        self._decide_without_lock = decide_without_lock
        self._decide_event = decide_event
        self._max_batch = max_batch
        self._common = (
            _Queue(
                decide_without_lock,
                decide_free,
                max_batch=max_batch,
                pass_on=self._to_queue_of_event,
            )
            if has_common_queue
            else None
        )
        self._by_event: dict[int, _Queue] = {}
        self._mutex = threading.Lock()

    def submit(self, command: Command) -> Result[Booking]:
        """Wait until the command is decided. Raises its refusal or `TryAgainLater`."""
        with self._mutex:
            queue = self._by_event.get(command.event_id, self._common)
            if queue is not None:
                queue.batcher.add(command)
        if queue is None:
            self._to_queue_of_event(command)
        try:
            return command.outcome.result(max_wait=MAX_WAIT_SECONDS)
        except NotStarted:
            raise TryAgainLater from None

    def _to_queue_of_event(self, command: Command) -> None:
        event_id = command.event_id
        with self._mutex:
            queue = self._by_event.get(event_id)
            if queue is None:
                queue = self._by_event[event_id] = _Queue(
                    self._decide_without_lock,
                    functools.partial(self._decide_event, event_id),
                    max_batch=self._max_batch,
                    looks_first=True,
                    on_idle=functools.partial(self._close, event_id),
                )
            queue.batcher.add(command)

    def _close(self, event_id: int) -> None:
        """Close the queue, unless a command has arrived meanwhile."""
        with self._mutex:
            queue = self._by_event.get(event_id)
            if queue is not None and queue.batcher.is_idle:
                del self._by_event[event_id]


def _no_other_queue(command: Command) -> None:
    raise AssertionError(f"{command} was not decided")


class _Queue:
    """Tries to decide without a lock first, unless the last batch had nothing to refuse: while
    seats are left, that extra statement would be wasted."""

    def __init__(
        self,
        decide_without_lock: Decide,
        decide: Decide,
        *,
        max_batch: int,
        looks_first: bool = False,
        pass_on: Callable[[Command], None] = _no_other_queue,
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.batcher: Batcher[Command] = Batcher(
            self._process, max_size=max_batch, failure=_failure, on_idle=on_idle
        )
        self._decide_without_lock = decide_without_lock
        self._decide = decide
        self._looks_first = looks_first
        self._pass_on = pass_on

    def _process(self, commands: list[Command]) -> None:
        BATCH_SIZE.observe(len(commands))
        try:
            with BATCH_SECONDS.time():
                decisions = self._isolated(commands)
        finally:
            release_connection()
        for decision in decisions:
            decision.announce()
        self._looks_first = any(isinstance(each.result, DomainError) for each in decisions)
        if len(decisions) < len(commands):
            for command in commands:
                if not command.outcome.done():
                    self._pass_on(command)

    def _isolated(self, commands: Sequence[Command]) -> Sequence[Decision]:
        """If a batch fails because of one of its commands, each gets its own transaction."""
        try:
            return self._looked_at(commands)
        except Exception as error:
            if is_unavailable(error):
                raise
            if len(commands) == 1:
                commands[0].outcome.set_exception(error)
                return []
            return [decision for command in commands for decision in self._isolated([command])]

    def _looked_at(self, commands: Sequence[Command]) -> Sequence[Decision]:
        if not self._looks_first:
            return self._decide(commands)
        decisions = list(self._decide_without_lock(commands))
        decided = {id(decision.command) for decision in decisions}
        rest = [command for command in commands if id(command) not in decided]
        return [*decisions, *self._decide(rest)] if rest else decisions


def _failure(error: BaseException) -> Exception:
    return TryAgainLater() if is_unavailable(error) else BatchFailed()
