"""One HTTP request for a small document, from a server that may be hostile."""

import contextlib
import functools
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any

_Watch = Callable[[socket.socket], None]


def fetch(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """The body of a 200 answer, which must arrive within `seconds` and have at most `max_bytes`.

    Redirects are not followed and nothing is decompressed. Environment variables may name a proxy.
    Resolving the host's name can't be cut off: it may take longer than `seconds`, and the call
    fails then. Raises `OSError`, `http.client.HTTPException` and `ValueError`.
    """
    request = urllib.request.Request(  # noqa: S310 (the settings allow http and https only)
        url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
    )
    with _Deadline(seconds) as deadline:
        opener = urllib.request.build_opener(
            _NoRedirects, _Plain(deadline.watch), _Secure(deadline.watch)
        )
        with opener.open(request, timeout=seconds) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise ValueError("the answer is compressed, which was not asked for")
            body: bytes = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise ValueError(f"the answer has more than {max_bytes} bytes")
        return body


class _Deadline:
    """Ends all reading on watched sockets, however little arrives at a time.

    A socket's timeout bounds each read separately: one byte a second would keep it open forever.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = monotonic() + seconds
        self._mutex = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises `TimeoutError` in place of whatever error the cut-off caused."""
        self._timer.cancel()
        if self._has_passed():
            raise TimeoutError("the answer did not come in time")

    def watch(self, connected: socket.socket) -> None:
        with self._mutex:
            self._sockets.append(connected)
            if self._has_passed():
                raise TimeoutError("the connection did not come in time")

    def _has_passed(self) -> bool:
        return monotonic() >= self._ends_at

    def _cut(self) -> None:
        with self._mutex:
            for each in self._sockets:
                # It may have been closed at this very moment, from either side.
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch(self.sock)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch(self.sock)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._connection = functools.partial(_PlainConnection, watch=watch)

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._connection, request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(context=self._tls)
        self._connection = functools.partial(_SecureConnection, watch=watch)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._connection, request, context=self._tls)
