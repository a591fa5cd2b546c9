"""How an answer goes out. The socket is one that keeps the pieces apart."""

import socket
from collections.abc import Iterator, Sequence

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import Response

from shared.serving.connection import Connection
from shared.serving.settings import Settings

JSON = [("Content-Type", "application/json"), ("Content-Length", "4")]


class Exchange:
    def __init__(self) -> None:
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours = Connection(ours)
        self._theirs.settimeout(0)

    def answer(
        self,
        body: Sequence[bytes],
        *,
        status: str = "200 OK",
        headers: Sequence[tuple[str, str]] = JSON,
        request: bytes = b"GET / HTTP/1.1",
    ) -> list[bytes]:
        """The pieces that reach the client."""
        settings = Settings(Config())
        unreader = IterUnreader([request + b"\r\nHost: a\r\n\r\n"])
        response = Response(Request(settings, unreader, ("127.0.0.1", 1)), self._ours, settings)
        self._ours.begin_answer(request=None)
        response.start_response(status, list(headers))
        for piece in body:
            response.write(piece)
        response.close()
        self._ours.complete_answer()
        return list(self._received())

    def _received(self) -> Iterator[bytes]:
        while True:
            try:
                yield self._theirs.recv(65536)
            except BlockingIOError:
                return

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange()
    yield exchange
    exchange.close()


def test_the_head_and_a_body_in_one_piece_go_out_together(exchange: Exchange) -> None:
    [piece] = exchange.answer([b"true"])

    head, body = piece.split(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert body == b"true"
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert lines[3:] == [
        b"Connection: keep-alive",
        b"Content-Type: application/json",
        b"Content-Length: 4",
    ]
    assert {line.partition(b":")[0] for line in lines[1:3]} == {b"Server", b"Date"}


def test_a_body_in_pieces_is_not_collected(exchange: Exchange) -> None:
    first, second = exchange.answer([b"tr", b"ue"])

    assert first.endswith(b"\r\n\r\ntr")
    assert second == b"ue"


def test_a_body_of_unknown_length_is_sent_in_chunks(exchange: Exchange) -> None:
    first, second, end = exchange.answer([b"tr", b"ue"], headers=JSON[:1])

    assert b"Transfer-Encoding: chunked" in first
    assert first.endswith(b"\r\n\r\n2\r\ntr\r\n")
    assert (second, end) == (b"2\r\nue\r\n", b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "request_line"),
    [("200 OK", b"HEAD / HTTP/1.1"), ("304 Not Modified", b"GET / HTTP/1.1")],
)
def test_a_head_without_a_body_goes_out_at_the_end(
    exchange: Exchange, status: str, request_line: bytes
) -> None:
    [piece] = exchange.answer([], status=status, request=request_line)

    assert piece.startswith(f"HTTP/1.1 {status}\r\n".encode())
    assert piece.endswith(b"\r\n\r\n")


def test_an_empty_body_goes_out_as_its_head(exchange: Exchange) -> None:
    [piece] = exchange.answer([b""], headers=[("Content-Length", "0")])

    assert piece.endswith(b"Content-Length: 0\r\n\r\n")


def test_a_client_of_http_1_0_is_told_that_the_connection_ends(exchange: Exchange) -> None:
    [piece] = exchange.answer([b"true"], request=b"GET / HTTP/1.0")

    assert piece.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in piece


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\0b"])
def test_a_header_can_not_start_another_one(exchange: Exchange, value: str) -> None:
    with pytest.raises(Exception, match="X-Name"):
        exchange.answer([b"true"], headers=[*JSON, ("X-Name", value)])
