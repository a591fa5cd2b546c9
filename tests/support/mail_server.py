"""A mail server that keeps what it accepts, and refuses what it is told to refuse."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS

DRIP_SECONDS = 0.5


class MailServer:
    """`at_recipient` and `at_data` are its answers there, unless they are empty; `at_next_data` are
    those to the next mails, one each. While it is `held`, mails wait for their answer."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.at_recipient = ""
        self.at_data = ""
        self.at_next_data: list[str] = []
        self.held = False
        self.seconds_per_mail = 0.0
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ready_timeout=PATIENCE_SECONDS,
        )

    @property
    def port(self) -> int:
        return self.controller.port

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if not self.at_recipient:
            envelope.rcpt_tos.append(address)
        return self.at_recipient or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds_per_mail)
        while self.held:
            await asyncio.sleep(0.02)
        if self.at_next_data:
            return self.at_next_data.pop(0)
        if self.at_data:
            return self.at_data
        assert isinstance(envelope.content, bytes)
        parser = BytesParser(EmailMessage, policy=policy.default)
        self.mails.append(parser.parsebytes(envelope.content))
        return "250 OK"


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.controller.start()
    try:
        yield server
    finally:
        server.controller.stop()


@contextmanager
def sick_server(says: bytes, then: str) -> Iterator[int]:
    """A server, by its port, that says this to each client, and then `closes` the connection,
    `hangs`, or `drips` the same again and again."""
    stop = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(says)
            while then != "closes" and not stop.wait(DRIP_SECONDS):
                client.sendall(says if then == "drips" else b"")

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=[client]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept, args=[listener])]
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
