"""Commands that wait for the same moment are processed together, as one batch."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

R = TypeVar("R")


class NotStarted(Exception):
    """The command waited longer than allowed, and nothing was done for it."""


class BatchFailed(Exception):
    """This command's batch failed; `__cause__` says why."""


class Outcome(Generic[R]):
    """The outcome of a command: a result or an exception, set once.

    It looks like `concurrent.futures.Future` but isn't one: the waiting thread may also be woken
    to process a batch, and one event serves both purposes.
    """

    __slots__ = ("_batcher", "_error", "_is_done", "_leads", "_result", "_woken")

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._is_done = False
        self._result: R | None = None
        self._error: Exception | None = None
        self._batcher: Batcher[Any] | None = None
        self._leads = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: R) -> None:
        self._result = result
        self._finish()

    def set_exception(self, error: Exception) -> None:
        """`error` is raised in the waiting thread, so no other command may share it."""
        self._error = error
        self._finish()

    def result(self, *, max_wait: float) -> R:
        """The result, once it is set. Raises the exception that was set instead.

        Raises `NotStarted` if no batch takes the command within `max_wait` seconds. Once a batch
        has taken it, the wait has no limit: only the outcome tells what was done.
        """
        deadline = time.monotonic() + max_wait
        while not self._is_done:
            if self._leads:
                self._leads = False
                self._batcher.process_batch()  # type: ignore[union-attr]
                continue
            was_woken = self._woken.wait(max(0.0, deadline - time.monotonic()))
            self._woken.clear()
            if not was_woken:
                if self._withdraw():
                    raise NotStarted
                deadline = time.monotonic() + max_wait
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def _finish(self) -> None:
        self._is_done = True
        self._woken.set()

    def _call_to_lead(self) -> None:
        self._leads = True
        self._woken.set()

    def _withdraw(self) -> bool:
        return self._batcher is None or self._batcher.withdraw(self)


class Command(Protocol):
    @property
    def outcome(self) -> Outcome[Any]: ...


C = TypeVar("C", bound=Command)


class Batcher(Generic[C]):
    """Collects the commands that arrive while a batch is processed, and makes them the next batch.

    It has no thread of its own. The first command to arrive leads: its thread processes the batch
    on its own database connection, then calls the first command of the next batch to lead. So a
    lone command never waits, and batches grow with the load.

        add ──► leads if nobody does ──► its thread processes the batch ──► outcomes are set
         └────► queued ──► taken into a batch
                  ├──────► called to lead the next batch
                  └──────► withdrawn after its `max_wait`
    """

    def __init__(
        self,
        process: Callable[[list[C]], None],
        *,
        max_size: int,
        failure: Callable[[BaseException], Exception],
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        """`process` sets the outcome of each command, or adds it to another batcher.

        If it raises, `failure` turns what it raised into a new exception for each command of the
        batch, and for each one queued behind it, which would fail in the same way. `on_idle` is
        called after a batch that leaves the queue empty.
        """
        self._process = process
        self._max_size = max_size
        self._failure = failure
        self._on_idle = on_idle
        self._mutex = threading.Lock()
        self._queue: deque[C] = deque()
        self._is_led = False
        self._in_hand = 0

    def add(self, command: C) -> None:
        """Queue a command. The thread that waits for its outcome may be called to lead."""
        command.outcome._batcher = self
        with self._mutex:
            self._queue.append(command)
            if self._is_led:
                return
            self._is_led = True
        command.outcome._call_to_lead()

    @property
    def is_idle(self) -> bool:
        return not self._is_led

    @property
    def size(self) -> int:
        """How many commands are queued or being processed."""
        return len(self._queue) + self._in_hand

    def process_batch(self) -> None:
        """Runs in the leader's thread."""
        with self._mutex:
            size = min(self._max_size, len(self._queue))
            batch = [self._queue.popleft() for _ in range(size)]
            self._in_hand = size
        try:
            self._process(batch)
            self._refuse_to_leave_undecided(batch)
        except BaseException as error:
            self._fail(batch, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._hand_over()

    def withdraw(self, outcome: Outcome[Any]) -> bool:
        """Take this outcome's command off the queue. Returns whether that was still possible."""
        with self._mutex:
            for command in self._queue:
                if command.outcome is outcome and not outcome._leads:
                    self._queue.remove(command)
                    return True
        return False

    def _refuse_to_leave_undecided(self, batch: list[C]) -> None:
        for command in batch:
            outcome = command.outcome
            if not outcome.done() and outcome._batcher is self:
                raise AssertionError(f"{command} was neither decided nor passed on")

    def _fail(self, batch: list[C], error: BaseException) -> None:
        with self._mutex:
            behind = list(self._queue)
            self._queue.clear()
        for command in (*batch, *behind):
            if command.outcome._batcher is self and not command.outcome.done():
                failure = self._failure(error)
                failure.__cause__ = error
                command.outcome.set_exception(failure)

    def _hand_over(self) -> None:
        with self._mutex:
            self._in_hand = 0
            leader = self._queue[0] if self._queue else None
            self._is_led = leader is not None
        if leader is not None:
            leader.outcome._call_to_lead()
        else:
            self._on_idle()
