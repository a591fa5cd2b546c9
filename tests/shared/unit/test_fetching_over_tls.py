"""The same bounds hold over TLS, where most issuers are."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shared.auth.fetching import fetch
from tests.support.certificates import write_certificate

Answer = Callable[[ssl.SSLSocket], None]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate of 127.0.0.1 that this process trusts, with its key in the same file."""
    file = tmp_path / "certificate.pem"
    write_certificate(file, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


@contextmanager
def server(certificate: Path, answer: Answer) -> Iterator[str]:
    """One connection, answered by `answer`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    def serve() -> None:
        with suppress(OSError):  # the client closed the connection
            plain, _ = listener.accept()
            with tls.wrap_socket(plain, server_side=True) as connection:
                connection.recv(65536)
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/keys"
        thread.join(30)
    assert not thread.is_alive(), "the client is still there"


def test_an_answer_comes_through(certificate: Path) -> None:
    def answer(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nkeys")

    with server(certificate, answer) as url:
        assert fetch(url, seconds=30, max_bytes=100) == b"keys"


def test_an_untrusted_certificate_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with server(certificate, lambda connection: None) as url, pytest.raises(OSError, match="CERT"):
        fetch(url, seconds=30, max_bytes=100)


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["head", "body"])
def test_a_trickling_response_is_cut_off(certificate: Path, beginning: bytes) -> None:
    def answer(connection: ssl.SSLSocket) -> None:
        connection.sendall(beginning or b"HTTP/1.0 200 OK\r\n")
        for _ in range(2000):
            connection.sendall(b"a: b\r\n")
            time.sleep(0.05)

    with server(certificate, answer) as url, pytest.raises(TimeoutError):
        fetch(url, seconds=1, max_bytes=1_000_000)
