"""Clients that create and edit events at a steady pace, whatever the responses are."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.waiting import PATIENCE_SECONDS

CLIENTS = 16


class UnderWay:
    """The calls that have not ended yet, by the client that makes them."""

    def __init__(self) -> None:
        self._began: dict[int, float] = {}

    def call(self, action: Callable[[], object]) -> None:
        client = threading.get_ident()
        self._began[client] = time.monotonic()
        try:
            action()
        finally:
            del self._began[client]

    def since_before(self, moment: float) -> int:
        """How many began before that moment of the monotonic clock."""
        return sum(began < moment for began in list(self._began.values()))


@contextmanager
def load(action: Callable[[], object], *, per_second: float) -> Iterator[UnderWay]:
    """Calls `action` in the background until the block ends; then raises what went wrong in it.

    What could not be done in time, because all clients were waiting, is left out.
    """
    began = time.monotonic()
    slots = itertools.count()
    take_slot = threading.Lock()
    done = threading.Event()
    under_way = UnderWay()
    errors: list[BaseException] = []

    def next_start() -> float:
        with take_slot:
            while True:
                start = began + next(slots) / per_second
                if start > time.monotonic() - 1:
                    return start

    def work() -> None:
        try:
            while not done.wait(max(0.0, next_start() - time.monotonic())):
                under_way.call(action)
        except BaseException as error:
            errors.append(error)

    clients = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield under_way
    finally:
        done.set()
        for client in clients:
            client.join(PATIENCE_SECONDS)
    if errors:
        raise errors[0]
    assert not any(client.is_alive() for client in clients), "a request never ended"
