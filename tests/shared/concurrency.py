"""Threads that really run at once, made to meet where it hurts.

A race test brings its rivals to the same point: after they have read what they decide on, before
they write it. With the row lock they can't all get there, the wait for the missing ones runs out,
and everything stays sound. Without it they all do, every time: that is the test's control.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.db.models import QuerySet

Result = TypeVar("Result")

PATIENCE_SECONDS = 0.3
_WRITES = ("INSERT", "UPDATE", "WITH")


def at_once(
    calls: Sequence[Callable[[], Result]],
    *,
    around: Callable[[], AbstractContextManager[None]] | None = None,
) -> list[Result | Exception]:
    """Start all `calls` at the same moment, each in a thread with a connection of its own.

    What a call raises is its result.
    """
    start = threading.Barrier(len(calls))
    # The pool of connections is as small as in production: this thread's own goes back, too.
    connection.close()

    def run(call: Callable[[], Result]) -> Result | Exception:
        try:
            with ExitStack() as stack:
                if around is not None:
                    stack.enter_context(around())
                start.wait(timeout=10)
                return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(run, calls))


class Rendezvous:
    """The point between reading and writing where `rivals` transactions wait for each other."""

    def __init__(self, rivals: int) -> None:
        self._barrier = threading.Barrier(rivals)
        self.all_met = False

    @contextmanager
    def before_writing(self) -> Iterator[None]:
        """For one thread: hold its first write until the others are about to write, too."""
        waited = False

        def hold(
            execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
        ) -> Any:
            nonlocal waited
            if not waited and sql.lstrip().upper().startswith(_WRITES):
                waited = True
                self._wait()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(hold):
            yield

    def _wait(self) -> None:
        try:
            self._barrier.wait(timeout=PATIENCE_SECONDS)
            self.all_met = True
        except threading.BrokenBarrierError:
            return


def leave_out_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read as before, but not held."""

    def unlocked(self: QuerySet[Any], **options: Any) -> QuerySet[Any]:
        return self.all()

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
