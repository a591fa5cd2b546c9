"""Requests that wait for the same moment are handled together."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class GroupOverdue(Exception):
    """Nobody took the request up within its time."""


class _Ticket(Generic[Request, Answer]):
    __slots__ = ("answer", "error", "leads", "request", "woken")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.woken = threading.Event()


class Group(Generic[Request, Answer]):
    """Collects what arrives while a group is being handled; that is the next group.

    There is no thread of its own: the first to arrive leads, handles its group on its own
    connection, and wakes the members with their answers and the first of the next group as its
    leader. So nothing waits while nothing is under way, and groups grow by themselves with load.

        arrives ──► leads, if nobody does ──► handle(group) ──► answered
            └─────► queued ──► taken into a leader's group ──► answered
                      ├──────► becomes the next leader
                      └──────► overdue
    """

    def __init__(
        self,
        handle: Callable[[Sequence[Request]], Sequence[Answer]],
        *,
        max_size: int,
        max_wait: float,
    ) -> None:
        """`handle` answers requests in their order. Whoever isn't taken up within `max_wait`
        seconds gets `GroupOverdue`. What `handle` raises is raised for each of the group and for
        those who wait behind it, who would only wait for the same failure."""
        self._handle = handle
        self._max_size = max_size
        self._max_wait = max_wait
        self._mutex = threading.Lock()
        self._queue: deque[_Ticket[Request, Answer]] = deque()
        self._led = False

    def submit(self, request: Request) -> Answer:
        ticket: _Ticket[Request, Answer] = _Ticket(request)
        with self._mutex:
            self._queue.append(ticket)
            if not self._led:
                self._led = ticket.leads = True
        if not ticket.leads:
            self._wait(ticket)
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer  # type: ignore[return-value]

    def _wait(self, ticket: _Ticket[Request, Answer]) -> None:
        if ticket.woken.wait(self._max_wait):
            return
        with self._mutex:
            if ticket in self._queue and not ticket.leads:
                self._queue.remove(ticket)
                raise GroupOverdue
        # Taken up at the last moment: the answer is on its way, and only it tells what happened.
        ticket.woken.wait()

    def _lead(self) -> None:
        with self._mutex:
            size = min(self._max_size, len(self._queue))
            group = [self._queue.popleft() for _ in range(size)]
        try:
            answers = self._handle([ticket.request for ticket in group])
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer = answer
        except BaseException as error:
            with self._mutex:
                group.extend(self._queue)
                self._queue.clear()
            for ticket in group:
                ticket.error = error
        finally:
            for ticket in group:
                ticket.woken.set()
            self._hand_over()

    def _hand_over(self) -> None:
        with self._mutex:
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].woken.set()
            else:
                self._led = False
