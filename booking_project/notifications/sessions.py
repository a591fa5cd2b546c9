"""A connection to the mail server, and which mails are affected if one fails on it."""

import logging
import time
from smtplib import (
    SMTPDataError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from booking_project.notifications.errors import (
    MailServerUnavailable,
    NotNow,
    NotSent,
    Undeliverable,
)
from booking_project.notifications.smtp import EmailBackend
from shared.formats.text import describe

logger = logging.getLogger(__name__)

# For the answer to QUIT, which changes nothing.
QUIT_SECONDS = 2.0
_IDLE_SECONDS = 10.0

_PERMANENT = range(500, 600)
_CLOSING = 421


class Session:
    """A connection, which SMTP keeps from mail to mail. One thread at a time may use it."""

    def __init__(self) -> None:
        self._server: BaseEmailBackend | None = None
        self._has_sent = False
        self._used_at = 0.0

    def open(self, *, deadline: float) -> BaseEmailBackend:
        """Make sure that there is a connection. Raises `MailServerUnavailable`.

        `deadline`, by the monotonic clock, is for the whole conversation about the next mail.
        """
        server = self._server
        if isinstance(server, EmailBackend):
            server.deadline = deadline
            if server.has_been_closed:
                self._drop(server)
        if self._server is None:
            self._server = _connected(deadline)
            self._has_sent = False
        return self._server

    def send(self, mail: EmailMessage, *, deadline: float) -> None:
        """Raises `NotSent`.

        A failure before the server is asked to accept this mail is due to the server, our account
        or our sender, and is the same for every mail. A later failure may be due to this mail.

        A connection that has sent mails before may have died since. If it fails before the server
        has the text of this mail, the mail is sent over a new one.
        """
        server = self.open(deadline=deadline)
        has_sent, self._has_sent = self._has_sent, True
        try:
            self._send(mail, server)
        except (NotNow, MailServerUnavailable):
            is_lost = has_sent and self._server is None
            may_have_text = not isinstance(server, EmailBackend) or server.has_sent_text
            if not is_lost or may_have_text or time.monotonic() > deadline:
                raise
            self._send(mail, self.open(deadline=deadline))

    def close(self) -> None:
        """Send QUIT. What became of each mail is known already, so the answer changes nothing."""
        server, self._server = self._server, None
        if server is None:
            return
        if isinstance(server, EmailBackend):
            server.deadline = time.monotonic() + QUIT_SECONDS
        try:
            server.close()
        except OSError as error:
            logger.info("the mail server ended the connection badly: %s", error)

    def close_if_idle(self) -> None:
        if time.monotonic() - self._used_at > _IDLE_SECONDS:
            self.close()

    def _send(self, mail: EmailMessage, server: BaseEmailBackend) -> None:
        try:
            server.send_messages([mail])
        except Exception as error:
            failure = _failure(error)
            if not (_is_answer(error) and isinstance(failure, NotNow | Undeliverable)):
                self._drop(server)
            raise failure from error
        finally:
            self._used_at = time.monotonic()
            if not isinstance(server, EmailBackend):
                self.close()

    def _drop(self, server: BaseEmailBackend) -> None:
        self._server = None
        if isinstance(server, EmailBackend):
            server.abandon()


def _connected(deadline: float) -> BaseEmailBackend:
    try:
        server = get_connection()
        if isinstance(server, EmailBackend):
            server.deadline = deadline
        server.open()
    except (OSError, ImproperlyConfigured, ValueError) as error:
        # SMTPException is an OSError. The others mean a bad folder or a bad EMAIL_URL.
        raise MailServerUnavailable(describe(error)) from error
    return server


def _is_answer(error: Exception) -> bool:
    """Whether the server has answered about this mail, and smtplib has ended the mail (RSET)."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError)


def _failure(error: Exception) -> NotSent:
    match error:
        case SMTPRecipientsRefused():
            [(code, text)] = error.recipients.values()
            return _refusal(code, text)
        case SMTPDataError():
            return _refusal(error.smtp_code, error.smtp_error)
        case SMTPServerDisconnected() | ConnectionError() | TimeoutError():
            return NotNow(f"the mail server gave up on it: {describe(error)}")
        case UnicodeError() | SMTPNotSupportedError():
            return Undeliverable(describe(error))
        case OSError():
            return MailServerUnavailable(describe(error))
        case _:
            # What the email package raises for a mail it can't build isn't documented.
            return Undeliverable(describe(error))


def _refusal(code: int, text: bytes | str) -> NotSent:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    if code in _PERMANENT:
        return Undeliverable(f"{code} {said}")
    if code == _CLOSING:
        return MailServerUnavailable(f"{code} {said}")
    return NotNow(f"{code} {said}")
