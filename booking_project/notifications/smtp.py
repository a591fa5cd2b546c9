"""SMTP over a connection that is kept, with a deadline for all that a mail needs.

`EMAIL_TIMEOUT` only bounds each wait for the socket, so a server that sends a byte now and then
could hold up a mail, and those behind it, forever.
"""

import io
import math
import select
import smtplib
import socket
import time
from functools import partial
from typing import Any

from django.core.mail.backends.smtp import EmailBackend as DjangoEmailBackend


class EmailBackend(DjangoEmailBackend):
    """Waits for a reply fail with `TimeoutError` at the `deadline`, by the monotonic clock.

    `has_sent_text` tells whether the server may have accepted the last mail.
    """

    deadline = math.inf
    has_sent_text = False

    @property
    def connection_class(self) -> Any:
        return partial(_BoundedSMTPS if self.use_ssl else _BoundedSMTP, backend=self)

    @property
    def has_been_closed(self) -> bool:
        """Whether the server has closed the connection, or is about to. It speaks unasked only to
        say so."""
        sock = self.connection and self.connection.sock
        return not sock or bool(select.select([sock], [], [], 0)[0])

    def open(self) -> bool | None:
        """Sends EHLO, which Django leaves to the first mail: a failure there isn't that mail's."""
        opened: bool | None = super().open()
        if self.connection is not None:
            try:
                self.connection.ehlo_or_helo_if_needed()
            except OSError:
                self.abandon()
                raise
        return opened

    def abandon(self) -> None:
        """Close the connection without QUIT."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class _Bounded:
    """A mix-in for smtplib's classes."""

    sock: socket.socket | None
    file: Any

    def __init__(self, *arguments: Any, backend: EmailBackend, **options: Any) -> None:
        self._backend = backend
        super().__init__(*arguments, **options)

    def getreply(self) -> tuple[int, bytes]:
        # None at first, and after STARTTLS.
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Replies(self.sock, self._backend))
        return super().getreply()  # type: ignore[misc, no-any-return]

    def mail(self, *arguments: Any) -> tuple[int, bytes]:
        self._backend.has_sent_text = False
        return super().mail(*arguments)  # type: ignore[misc, no-any-return]

    def data(self, *arguments: Any) -> tuple[int, bytes]:
        self._backend.has_sent_text = True
        return super().data(*arguments)  # type: ignore[misc, no-any-return]


class _BoundedSMTP(_Bounded, smtplib.SMTP):
    pass


class _BoundedSMTPS(_Bounded, smtplib.SMTP_SSL):
    pass


class _Replies(io.RawIOBase):
    def __init__(self, sock: socket.socket, backend: EmailBackend) -> None:
        self._sock = sock
        self._backend = backend
        self._step = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._backend.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server took too long in all")
        self._sock.settimeout(left if self._step is None else min(self._step, left))
        try:
            return self._sock.recv_into(buffer)
        finally:
            self._sock.settimeout(self._step)
