"""A mail server that keeps what it accepts, and refuses what it is told to refuse."""

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS, until

DRIP_SECONDS = 0.5


class MailServer:
    """`at_recipient`, `at_recipients` (by address) and `at_data` are its answers there, unless they
    are empty; `at_next_data` are those to the next mails, one each. While it is `held`, mails wait
    for their answer, and `waiting` counts them. The limits are unlimited at 0."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.at_recipient = ""
        self.at_recipients: dict[str, str] = {}
        self.at_data = ""
        self.at_next_data: list[str] = []
        self.held = False
        self.waiting = 0
        self.seconds_per_mail = 0.0
        self.most_connections = 0
        self.most_mails_per_connection = 0
        self._clients: list[SMTP] = []
        self._mails_of: Counter[SMTP] = Counter()
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ready_timeout=PATIENCE_SECONDS,
        )

    @property
    def port(self) -> int:
        return self.controller.port

    @property
    def connections(self) -> int:
        """How many it has accepted so far."""
        return len(self._clients)

    @property
    def open_connections(self) -> int:
        return sum(client.transport is not None for client in self._clients)

    def hang_up(self) -> None:
        for client in self._clients:
            if client.transport is not None:
                self.controller.loop.call_soon_threadsafe(client.transport.close)
        until(lambda: self.open_connections == 0, "closed connections")

    async def handle_EHLO(  # noqa: N802 (the library's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        if self.most_connections and self.open_connections >= self.most_connections:
            assert server.transport is not None
            server.transport.close()
            return []
        self._clients.append(server)
        return responses

    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        self._mails_of[server] += 1
        if 0 < self.most_mails_per_connection < self._mails_of[server]:
            return "421 too many mails"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        answer = self.at_recipients.get(address, self.at_recipient)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds_per_mail)
        self.waiting += 1
        while self.held:
            await asyncio.sleep(0.02)
        self.waiting -= 1
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
