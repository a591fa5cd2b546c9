"""Connections of one worker, over real sockets. Nothing is patched: gevent's own are used."""

import contextlib
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from shared.serving.connection import Connection
from shared.serving.register import Register, TooManyConnections
from tests.support.waiting import BRIEF_SECONDS

MEGABYTE = 1 << 20


class Peer:
    """A client that reads nothing, and the server's end of its connection."""

    def __init__(self, listener: socket.socket) -> None:
        self.client = socket.create_connection(listener.getsockname())
        accepted, self.address = listener.accept()
        self.connection = Connection(accepted)

    def close(self) -> None:
        self.client.close()
        self.connection.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        yield listener


def test_memory_for_slow_clients_is_bounded_and_the_first_deadline_goes_first(
    listener: socket.socket,
) -> None:
    register = Register(most_per_network=None, most_held_bytes=50 * MEGABYTE)
    answer = bytes(20 * MEGABYTE)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(contextlib.closing(Peer(listener))) for _ in range(3)]
        for peer in peers:
            stack.enter_context(register.entered(peer.connection, peer=peer.address))
        sending = []
        for peer in peers:
            sending.append(gevent.spawn(peer.connection.sendall, answer))
            gevent.sleep(0.01)  # it sends what there is room for, and waits
        assert all(peer.connection.is_waiting for peer in peers)

        register.stop_late()

        with pytest.raises(BrokenPipeError):
            sending[0].get(timeout=30)
        gevent.sleep(BRIEF_SECONDS)
        assert [each.ready() for each in sending] == [True, False, False]
        register.stop_late()
        gevent.sleep(BRIEF_SECONDS)
        assert [each.ready() for each in sending] == [True, False, False]
        gevent.killall(sending)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%lo", "fe80::2%lo", True),
    ],
)
def test_connections_are_counted_by_network(
    listener: socket.socket, one: str, other: str, together: bool
) -> None:
    register = Register(most_per_network=1)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(contextlib.closing(Peer(listener))) for _ in range(2)]
        with register.entered(peers[0].connection, peer=(one, 1)):
            refused = pytest.raises(TooManyConnections) if together else contextlib.nullcontext()
            with refused, register.entered(peers[1].connection, peer=(other, 2)):
                pass
        with register.entered(peers[1].connection, peer=(other, 2)):
            pass
