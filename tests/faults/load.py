"""Clients that create and edit events at a steady pace, whatever becomes of their requests."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.shared.waiting import PATIENCE_SECONDS

CLIENTS = 16


@contextmanager
def load(action: Callable[[], object], *, per_second: float) -> Iterator[None]:
    """Calls `action` in the background until the block ends; then raises what went wrong in it.

    What could not be done in time, because all clients were waiting, is left out.
    """
    began = time.monotonic()
    slots = itertools.count()
    take_slot = threading.Lock()
    done = threading.Event()
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
                action()
        except BaseException as error:
            errors.append(error)

    clients = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        done.set()
        for client in clients:
            client.join(PATIENCE_SECONDS)
    if errors:
        raise errors[0]
    assert not any(client.is_alive() for client in clients), "a request never ended"
