"""Hands a mail to the mail server, and tells whose fault it is if that fails."""

import logging
from smtplib import (
    SMTPDataError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from booking_project.notifications.errors import MailServerUnavailable, NotNow, Undeliverable
from shared.formats.text import describe

logger = logging.getLogger(__name__)

_PERMANENT = range(500, 600)
_CLOSING = 421


def send(mail: EmailMessage) -> None:
    """Uses one connection per mail, so it can't have died since the last mail.

    A failure before the server is asked to accept this mail is due to the server, our account or
    our sender, and is the same for every mail. A later failure may be due to this mail.
    Raises `Undeliverable`, `NotNow` and `MailServerUnavailable`.
    """
    try:
        server = get_connection()
        server.open()
    except (OSError, ImproperlyConfigured, ValueError) as error:
        # SMTPException is an OSError. The others mean a bad folder or a bad EMAIL_URL.
        raise MailServerUnavailable(describe(error)) from error
    try:
        server.send_messages([mail])
    except SMTPRecipientsRefused as error:
        [(code, text)] = error.recipients.values()
        raise _refusal(code, text) from error
    except SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except (SMTPServerDisconnected, ConnectionError, TimeoutError) as error:
        raise NotNow(f"the mail server gave up on it: {describe(error)}") from error
    except (UnicodeError, SMTPNotSupportedError) as error:
        raise Undeliverable(describe(error)) from error
    except OSError as error:
        raise MailServerUnavailable(describe(error)) from error
    except Exception as error:
        # What the email package raises for a mail it can't build isn't documented.
        raise Undeliverable(describe(error)) from error
    finally:
        _hang_up(server)


def _hang_up(server: BaseEmailBackend) -> None:
    """The mail's fate is already known, so the server's answer to QUIT doesn't matter."""
    try:
        server.close()
    except OSError as error:
        logger.info("the mail server did not say goodbye: %s", error)


def _refusal(code: int, text: bytes | str) -> Undeliverable | NotNow | MailServerUnavailable:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    if code in _PERMANENT:
        return Undeliverable(f"{code} {said}")
    if code == _CLOSING:
        return MailServerUnavailable(f"{code} {said}")
    return NotNow(f"{code} {said}")
