"""A mail server that keeps what it accepts, and refuses what it is told to refuse."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.ports import free_port
from tests.shared.waiting import PATIENCE_SECONDS


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
