"""pika's I/O, with one `send` for all frames that are written in one step of its loop.

pika sends each frame with a system call of its own, three for a message, and each of them wakes the
broker. That was 40 % of the CPU time of the connection's thread. This uses only pika's interfaces
for other I/O loops (`pika.adapters.utils.nbio_interface`).
"""

import socket
import ssl
from collections.abc import Callable

from pika.adapters.select_connection import IOLoop
from pika.adapters.utils.nbio_interface import (
    AbstractIOReference,
    AbstractIOServices,
    AbstractStreamProtocol,
    AbstractStreamTransport,
)
from pika.adapters.utils.selector_ioloop_adapter import SelectorIOServicesAdapter

_Connected = tuple[AbstractStreamTransport, AbstractStreamProtocol]


class JoinedWrites(SelectorIOServicesAdapter):  # type: ignore[misc]  # its stubs lack it
    """For pika's `custom_ioloop`. Has a loop of its own, which the connection calls `ioloop`."""

    def __init__(self) -> None:
        super().__init__(IOLoop())

    def create_streaming_connection(
        self,
        protocol_factory: Callable[[], AbstractStreamProtocol],
        sock: socket.socket,
        on_done: Callable[[_Connected | BaseException], None],
        ssl_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> AbstractIOReference:
        between = _Between(self)

        def introduce() -> AbstractStreamProtocol:
            between.protocol = protocol_factory()
            return between

        def done(result: _Connected | BaseException) -> None:
            failed = isinstance(result, BaseException)
            on_done(result if failed else (between, between.protocol))

        return super().create_streaming_connection(
            introduce, sock, done, ssl_context, server_hostname
        )


class _Between(AbstractStreamProtocol, AbstractStreamTransport):  # type: ignore[misc]
    """The protocol of pika's transport, and the transport of pika's protocol."""

    protocol: AbstractStreamProtocol
    transport: AbstractStreamTransport

    def __init__(self, services: AbstractIOServices) -> None:
        self._services = services
        self._written: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._written:
            self._services.call_later(0, self._flush)
        self._written.append(data)
        self._size += len(data)

    def _flush(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._forget()
            self.transport.write(data)

    def _forget(self) -> None:
        self._written.clear()
        self._size = 0

    def get_write_buffer_size(self) -> int:
        return self._size + int(self.transport.get_write_buffer_size())

    def get_protocol(self) -> AbstractStreamProtocol:
        return self.protocol

    def abort(self) -> None:
        self._forget()
        self.transport.abort()

    def connection_made(self, transport: AbstractStreamTransport) -> None:
        self.transport = transport
        self.protocol.connection_made(self)

    def connection_lost(self, error: BaseException | None) -> None:
        self._forget()
        self.protocol.connection_lost(error)

    def eof_received(self) -> bool:
        return bool(self.protocol.eof_received())

    def data_received(self, data: bytes) -> None:
        self.protocol.data_received(data)
