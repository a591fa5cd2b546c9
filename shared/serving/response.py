"""How an answer is written: its head and the first piece of its body in one packet."""

from functools import lru_cache
from time import time

from gunicorn import util
from gunicorn.http import wsgi


class Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn sends the head by itself: one more system call, and the client wakes up twice."""

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        """They go out with what comes next, and at the latest in `close`."""
        if self.headers_sent:
            return
        lines = [
            f"HTTP/{self.req.version[0]}.{self.req.version[1]} {self.status}",
            f"Server: {self.version}",
            f"Date: {_date(int(time()))}",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}",
            *(["Transfer-Encoding: chunked"] if self.chunked else []),
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        self._head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.headers_sent = True

    def close(self) -> None:
        self.send_headers()
        self._send(b"0\r\n\r\n" if self.chunked else b"")

    def can_sendfile(self) -> bool:
        """gevent reads and sends a file in pieces, as `write` does."""
        return False

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if head or data:
            self.sock.sendall(head + data)


def answer_at_once() -> None:
    """From now on, in this process. gunicorn has no setting for it, but looks it up at each use."""
    wsgi.Response = Response


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return str(util.http_date(second))
