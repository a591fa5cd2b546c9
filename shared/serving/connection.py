"""A client's connection that knows what it waits for, and until when."""

import contextlib
import enum
import os
import socket
import struct
from time import monotonic
from typing import Any

from gevent import monkey
from gevent.socket import socket as gevent_socket
from gevent.socket import timeout_default

from shared.serving.turns import Turns

# In seconds.
FIRST_BYTE_SECONDS = 10.0
NEXT_REQUEST_SECONDS = 75.0
RECEIVE_SECONDS = 10.0
SEND_SECONDS = 30.0

# The kernel takes this many bytes of an answer that the network has no room for yet. Its own limit
# is 4 MB for each connection whose client doesn't read.
_UNSENT_BYTES = 128 * 1024
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)
# A bit more than gunicorn keeps of the headers. It keeps nothing of an unread body.
_MOST_RECEIVED_BYTES = 1024 * 1024


class Phase(enum.Enum):
    NEW = enum.auto()  # nothing has come yet
    REQUEST = enum.auto()  # a request is being received or answered
    IDLE = enum.auto()  # one has been answered, and the next has not begun


class Connection(gevent_socket):  # type: ignore[misc]  # gevent has no types
    """The deadlines are totals: a peer gains nothing by sending or reading a byte now and then.

    They apply only while the service waits for the peer. The time that the service itself needs
    for an answer does not count.
    """

    def __init__(self, accepted: Any) -> None:
        """Takes over the file descriptor of `accepted`."""
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.phase = Phase.NEW
        self._received = 0
        self._unsent = 0
        self._head: bytes | None = None
        self._request: Any = None
        self._receive_by = monotonic() + FIRST_BYTE_SECONDS
        self._send_by: float | None = None
        self._receiving = False
        self._sending = False
        self._turns: Turns | None = None
        if self.family in (socket.AF_INET, socket.AF_INET6):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)

    @property
    def held_bytes(self) -> int:
        """Roughly how much memory its request and its answer take."""
        return min(self._received, _MOST_RECEIVED_BYTES) + self._unsent

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its peer, not for the service."""
        return self._receiving or self._sending

    @property
    def deadline(self) -> float:
        """Until when the peer may keep us waiting, on the monotonic clock."""
        if self._sending and self._send_by is not None:
            return self._send_by
        return self._receive_by

    def recv(self, *arguments: Any) -> bytes:
        """Returns nothing after `stop_waiting`, as if the peer had ended the request."""
        turns = self._turns
        self.end_turn()
        self._receiving = True
        try:
            data: bytes = super().recv(*arguments)
        finally:
            self._receiving = False
        if turns is not None:
            self.take_turn(turns)
        if data:
            self._begin_request()
        self._received += len(data)
        return data

    def send(self, data: Any, flags: int = 0, timeout: Any = timeout_default) -> int:
        """Raises `BrokenPipeError` after `stop_waiting`."""
        self.end_turn()
        if self._send_by is None:
            self._send_by = monotonic() + SEND_SECONDS
        self._sending = True
        try:
            sent: int = super().send(data, flags, timeout)
        finally:
            self._sending = False
        return sent

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """What comes first after `begin_answer` is the answer's head. It goes out with the first
        piece of the body, in one packet and with one system call."""
        if self._head is not None:
            if not self._head:
                self._head = data
                return
            data, self._head = self._head + data, None
        self._unsent = len(data)
        try:
            # The kernel takes nearly every answer as a whole. gevent would first ask it how much
            # it can take.
            sent = self.send(data, flags)
            if sent < len(data):
                super().sendall(memoryview(data)[sent:], flags)
        finally:
            self._unsent = 0

    def take_turn(self, turns: Turns) -> bool:
        """Wait for the turn of a request. It ends when the answer is sent, and pauses while the
        peer has yet to send more of the request: a slow peer keeps no other waiting. False if there
        is none in time."""
        if not turns.take():
            return False
        self._turns = turns
        return True

    def end_turn(self) -> None:
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.give_back()

    def begin_answer(self, request: Any) -> None:
        """The headers are complete. They may have come with the last request."""
        self._begin_request()
        self._request = request
        self._head = b""

    def complete_answer(self) -> None:
        """Send the head of an answer without a body. The server may have closed the connection."""
        head, self._head = self._head, None
        if head and self.fileno() >= 0:
            self.sendall(head)

    def drop_answer(self) -> None:
        """Another answer follows instead, in one piece."""
        self._head = None

    def end_request(self) -> None:
        """The answer has been sent. From now on we wait for the next request."""
        self.phase = Phase.IDLE
        self._received = 0
        self._send_by = None
        self._receive_by = monotonic() + NEXT_REQUEST_SECONDS

    def close_after_answer(self) -> None:
        """If an answer is being made, it will say that it is the last."""
        if self._head == b"":
            self._request.force_close()

    def hurry(self, *, seconds: float) -> None:
        """Wait for the peer at most `seconds` more."""
        self._receive_by = min(self._receive_by, monotonic() + seconds)

    def stop_waiting(self) -> None:
        """A receiver gets what has already come, and then the end. A sender fails, and the
        connection is reset, so that the kernel drops unsent data at once."""
        # It may have been closed at this very moment, from either side.
        with contextlib.suppress(OSError), self._twin() as twin:
            if self._sending:
                twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
                twin.shutdown(socket.SHUT_RDWR)
            else:
                twin.shutdown(socket.SHUT_RD)

    def _begin_request(self) -> None:
        if self.phase is not Phase.REQUEST:
            self.phase = Phase.REQUEST
            self._receive_by = monotonic() + RECEIVE_SECONDS

    def _twin(self) -> socket.socket:
        """The same connection as a plain socket: gevent's own shutdown raises in the reader."""
        plain: type[socket.socket] = monkey.get_original("socket", "socket")
        return plain(fileno=os.dup(self.fileno()))
