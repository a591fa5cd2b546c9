"""A TCP proxy between a service and its broker or database, that can be cut, frozen and mended."""

import contextlib
import enum
import socket
import threading
from urllib.parse import urlsplit

from devstack.ports import hold_port
from tests.support.waiting import PATIENCE_SECONDS


class To(enum.Enum):
    """The direction of bytes."""

    SERVER = enum.auto()
    CLIENT = enum.auto()


class TcpProxy:
    """Listens on a free port of the loopback interface.

    cut: connections are reset and new ones refused. frozen: nothing is passed on, nothing is
    refused; bytes wait in the proxy. Traps freeze it at a certain point of a conversation.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: socket.socket | None = None
        self._gates = {direction: threading.Event() for direction in To}
        self._trap: tuple[bytes, To] | None = None
        self._trapped = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._mutex = threading.Lock()
        self.accepted = 0
        self._held_port = hold_port()  # so that nobody else gets it while this is cut
        self.port: int = self._held_port.getsockname()[1]
        self.mend()

    def url(self, original: str) -> str:
        """`original`, led through this proxy."""
        parts = urlsplit(original)
        user, _, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def lead_to(self, host: str, port: int) -> None:
        """Where connections go that are accepted from now on."""
        self._target = (host, port)

    def mend(self) -> None:
        self._trap = None
        self._trapped.clear()
        for gate in self._gates.values():
            gate.set()
        if self._server is None:
            self._server = socket.create_server(("127.0.0.1", self.port))
            self._start(self._accept, self._server)

    def cut(self) -> None:
        with self._mutex:
            server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        self.cut_connections()

    def cut_connections(self) -> None:
        """Closes open connections and drops their bytes; new ones are accepted."""
        with self._mutex:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def freeze(self) -> None:
        for gate in self._gates.values():
            gate.clear()

    def hold_back(self, marker: bytes) -> None:
        """Freeze when a client sends `marker`, which does not reach the server."""
        self._trap = marker, To.SERVER

    def hold_answer_to(self, marker: bytes) -> None:
        """Freeze the way back when a client sends `marker`, which does reach the server."""
        self._trap = marker, To.CLIENT

    @property
    def has_trapped(self) -> bool:
        """Whether what a trap waits for was sent, since the last `mend`."""
        return self._trapped.is_set()

    def close(self) -> None:
        self.cut()
        for gate in self._gates.values():
            gate.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a thread of the proxy did not end"
        self._held_port.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._mutex:
                cut_meanwhile = self._server is not server
                if not cut_meanwhile:
                    self._sockets |= {near, far}
            if cut_meanwhile:
                near.close()
                far.close()
                return
            self._start(self._pass_on, near, far, To.SERVER)
            self._start(self._pass_on, far, near, To.CLIENT)

    def _pass_on(self, source: socket.socket, sink: socket.socket, direction: To) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if direction is To.SERVER:
                    self._spring_trap(data)
                self._gates[direction].wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            with self._mutex:
                self._sockets.discard(each)

    def _spring_trap(self, data: bytes) -> None:
        trap = self._trap
        if trap is not None and trap[0] in data:
            self._gates[trap[1]].clear()
            self._trapped.set()
