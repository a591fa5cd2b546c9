"""One HTTP request for a small document, from a server that may be hostile."""

import functools
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

_Watch = Callable[[socket.socket], None]


def fetch(
    url: str,
    *,
    seconds: float,
    max_bytes: int,
    form: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The body of a 200 answer, which must arrive within `seconds` and have at most `max_bytes`.
    With an encoded `form`, the request is a POST.

    Redirects are not followed and nothing is decompressed. Environment variables may name a proxy.
    Resolving the host's name can't be cut off: it may take longer than `seconds`, and the call
    fails then. Raises `OSError`, `http.client.HTTPException` and `ValueError`.
    """
    request = urllib.request.Request(  # noqa: S310 (the settings allow http and https only)
        url,
        data=form,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **(headers or {}),
        },
    )
    with _deadline(seconds) as watch:
        opener = urllib.request.build_opener(_NoRedirects, _Plain(watch), _Secure(watch))
        with opener.open(request, timeout=seconds) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise ValueError("the answer is compressed, which was not asked for")
            body: bytes = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise ValueError(f"the answer has more than {max_bytes} bytes")
        return body


@contextmanager
def _deadline(seconds: float) -> Iterator[_Watch]:
    """Ends all reading on watched sockets, however little arrives at a time. Then `TimeoutError` is
    raised in place of whatever error that caused.

    A socket's timeout bounds each read separately: one byte a second would keep it open forever.
    """
    ends_at = monotonic() + seconds
    mutex = threading.Lock()
    sockets: list[socket.socket] = []

    def watch(connected: socket.socket) -> None:
        with mutex:
            sockets.append(connected)
            if monotonic() >= ends_at:
                raise TimeoutError("the connection did not come in time")

    def cut() -> None:
        with mutex:
            for each in sockets:
                # It may have been closed at this very moment, from either side.
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        if monotonic() >= ends_at:
            raise TimeoutError("the answer did not come in time")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


class _Watched(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch(self.sock)


class _WatchedSecurely(_Watched, http.client.HTTPSConnection):
    pass


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._connection = functools.partial(_Watched, watch=watch)

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._connection, request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(context=self._tls)
        self._connection = functools.partial(_WatchedSecurely, watch=watch)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._connection, request, context=self._tls)
