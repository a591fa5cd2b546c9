"""Requests as raw bytes, which no HTTP client would send, and their responses."""

import dataclasses
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.waiting import PATIENCE_SECONDS

JSON = b"Content-Type: application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(
    method: bytes,
    target: bytes,
    headers: Sequence[bytes] = (),
    body: bytes = b"",
    *,
    host: bytes = b"localhost",
    version: bytes = b"HTTP/1.1",
) -> bytes:
    """The length of the body is added where no header says how long it is."""
    lines = [b"%s %s %s" % (method, target, version), b"Host: " + host, b"Connection: close"]
    lines += headers
    if body and not any(
        line.lower().startswith((b"content-length", b"transfer-encoding")) for line in headers
    ):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def kept_alive(
    method: bytes, target: bytes, headers: Sequence[bytes] = (), body: bytes = b""
) -> bytes:
    """A request after which the connection stays open."""
    return request(method, target, headers, body).replace(b"Connection: close\r\n", b"", 1)


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), PATIENCE_SECONDS) as connection:
        yield connection


def exchange(url: str, sent: bytes, *, nothing_follows: bool = False) -> Answer:
    """The first answer. With `nothing_follows` the client's side is closed after `sent`."""
    answers = everything(url, sent, nothing_follows=nothing_follows)
    assert answers, "the connection was closed without an answer"
    return parsed(answers)


def everything(url: str, sent: bytes, *, nothing_follows: bool = False) -> bytes:
    """Everything that arrives until the server closes the connection."""
    with connected(url) as connection:
        try:
            connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has been refused already: the answer is there.
        else:
            if nothing_follows:
                connection.shutdown(socket.SHUT_WR)
        return until_closed(connection)


def until_closed(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def next_answer(connection: socket.socket) -> Answer:
    """One answer, of a connection that is kept alive. It must say how long its body is."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    answer = parsed(received)
    length = int(answer.headers["content-length"])
    while len(answer.body) < length:
        answer = dataclasses.replace(answer, body=answer.body + _more(connection))
    return answer


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    assert part, "the connection was closed within an answer"
    return part


def parsed(answers: bytes) -> Answer:
    head, _, body = answers.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(status_line.split(" ")[1]), headers, body)
