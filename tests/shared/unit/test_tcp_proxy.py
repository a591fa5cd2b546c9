"""The proxy that other tests cut: what is cut stays cut, and its port stays its own."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS, never, until


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Lets one connection wait to be accepted; Linux makes further ones try again later."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        server.settimeout(PATIENCE_SECONDS)
        yield server


@pytest.fixture
def proxy(server: socket.socket) -> Iterator[TcpProxy]:
    proxy = TcpProxy(*server.getsockname())
    yield proxy
    proxy.close()


def test_a_cut_proxy_refuses_clients_and_keeps_its_port(proxy: TcpProxy) -> None:
    proxy.cut()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))
    never(lambda: can_bind(proxy.port), "other server at the port")


def test_a_connection_that_is_being_opened_is_cut_too(
    proxy: TcpProxy, server: socket.socket
) -> None:
    with (
        socket.create_connection(server.getsockname()),
        socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_SECONDS) as client,
    ):
        until(lambda: proxy.accepted == 1, "client that the proxy has accepted")
        proxy.cut()
        accepted = [server.accept()[0], server.accept()[0]]

        assert received(client) == b"", "the end of the connection"
        assert received(accepted[1]) == b""
        for each in accepted:
            each.close()


def can_bind(port: int) -> bool:
    with socket.socket() as stranger:
        try:
            stranger.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""
