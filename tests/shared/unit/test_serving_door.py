"""A port that is being closed: who is connected is served, and nobody else gets in."""

import contextlib
import socket
import sys
from collections.abc import Iterator

import pytest

from shared.serving.door import shut
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        yield listener


def test_who_has_connected_is_served() -> None:
    with listening() as listener:
        address = listener.getsockname()
        with socket.create_connection(address, PATIENCE_SECONDS) as early:
            shut(listener)
            early.sendall(b"question")
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(100) == b"question"
                accepted.sendall(b"answer")
            assert early.recv(100) == b"answer"


def test_who_comes_later_is_never_connected() -> None:
    with listening() as listener:
        address = listener.getsockname()
        shut(listener)

        with pytest.raises(TimeoutError):
            socket.create_connection(address, BRIEF_SECONDS)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, PATIENCE_SECONDS)


def test_while_it_is_open_the_close_resets_who_has_not_been_accepted() -> None:
    """What this is for."""
    with listening() as listener:
        late = socket.create_connection(listener.getsockname(), PATIENCE_SECONDS)

    with late, pytest.raises(ConnectionResetError):
        late.recv(100)
