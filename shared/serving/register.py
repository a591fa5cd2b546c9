"""The connections of one worker process: how many there may be, how long we wait for them, and how
much they may hold."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any

from shared.http.networks import UNKNOWN, network_of
from shared.serving.connection import Connection, Phase

# Requests and answers that wait for their clients hold no more than this in one process.
MOST_HELD_BYTES = 64 * 1024 * 1024


class TooManyConnections(Exception):
    pass


class Register:
    """Belongs to one gevent loop, so none of its steps is interrupted."""

    def __init__(
        self, *, most_per_network: int | None, most_held_bytes: int = MOST_HELD_BYTES
    ) -> None:
        """`most_per_network` is None if every peer is a proxy that speaks for many clients."""
        self._most_per_network = most_per_network
        self._most_held_bytes = most_held_bytes
        self._connections: set[Connection] = set()
        self._count: Counter[str] = Counter()

    @contextlib.contextmanager
    def entered(self, connection: Connection, *, peer: tuple[Any, ...]) -> Iterator[None]:
        """`peer` is the socket address that accept gave. Raises `TooManyConnections`."""
        network = network_of(peer[0]) or UNKNOWN
        if self._most_per_network is not None and self._count[network] >= self._most_per_network:
            raise TooManyConnections(network)
        self._count[network] += 1
        self._connections.add(connection)
        try:
            yield
        finally:
            self._connections.discard(connection)
            self._count[network] -= 1
            if not self._count[network]:
                del self._count[network]

    def stop_late(self) -> None:
        """Stop waiting for peers that are late. While all together hold too much, also stop waiting
        for those that will be late next."""
        now = monotonic()
        waiting = [connection for connection in self._connections if connection.is_waiting]
        held = sum(connection.held_bytes for connection in waiting)
        if held > self._most_held_bytes:
            waiting.sort(key=lambda connection: connection.deadline)
        for connection in waiting:
            too_much = held > self._most_held_bytes and connection.held_bytes > 0
            if too_much or connection.deadline <= now:
                held -= connection.held_bytes
                connection.stop_waiting()

    def close_after_answers(self) -> None:
        for connection in self._connections:
            connection.close_after_answer()

    def stop_idle(self) -> None:
        """Stop waiting for requests that have not begun. A new connection may have one on its way,
        so it gets one second."""
        for connection in self._connections:
            if connection.is_waiting and connection.phase is Phase.IDLE:
                connection.stop_waiting()
            elif connection.phase is Phase.NEW:
                connection.hurry(seconds=1.0)
