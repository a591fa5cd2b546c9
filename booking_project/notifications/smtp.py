"""SMTP with a deadline for the whole conversation.

`EMAIL_TIMEOUT` only bounds each wait for the socket, so a server that sends a byte now and then
could hold up a mail, and those behind it, forever.
"""

import io
import smtplib
import socket
import time
from typing import Any

from django.core.mail.backends.smtp import EmailBackend as DjangoEmailBackend

# Less than the minute after which the broker considers an unresponsive consumer dead.
CONVERSATION_SECONDS = 45.0


class EmailBackend(DjangoEmailBackend):
    """Each connection may last `CONVERSATION_SECONDS`. After that it fails with `TimeoutError`."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _BoundedSMTPS if self.use_ssl else _BoundedSMTP

    def open(self) -> bool | None:
        """Sends EHLO, which Django leaves to the first mail: a failure there isn't that mail's."""
        opened: bool | None = super().open()
        if self.connection is not None:
            try:
                self.connection.ehlo_or_helo_if_needed()
            except OSError:
                self.connection.close()
                self.connection = None
                raise
        return opened


class _Bounded:
    """A mix-in for smtplib's classes: replies must arrive within the remaining time."""

    sock: socket.socket | None
    file: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._deadline = time.monotonic() + CONVERSATION_SECONDS
        super().__init__(*arguments, **options)

    def getreply(self) -> tuple[int, bytes]:
        # None at first, and after STARTTLS.
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Replies(self.sock, self._deadline))
        return super().getreply()  # type: ignore[misc, no-any-return]


class _BoundedSMTP(_Bounded, smtplib.SMTP):
    pass


class _BoundedSMTPS(_Bounded, smtplib.SMTP_SSL):
    pass


class _Replies(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        """`deadline` is in terms of the monotonic clock."""
        self._sock = sock
        self._deadline = deadline
        self._step = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the mail server took more than {CONVERSATION_SECONDS:.0f} s")
        self._sock.settimeout(left if self._step is None else min(self._step, left))
        try:
            return self._sock.recv_into(buffer)
        finally:
            self._sock.settimeout(self._step)
