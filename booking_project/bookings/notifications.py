"""Mails to users whose booking changed, at their request or without it.

Sending a mail and writing the row that records it are one transaction, which commits after the
mail server has accepted the mail. So a message that arrives twice sends one mail, whichever process
handles it and whenever. One window remains, and no order of the two steps closes it: if the process
or the database dies after the acceptance and before the commit, the mail is sent again. Both copies
carry the same `Message-ID`, derived from the message's id, so mail servers and mail readers can
recognise them as one.
"""

import logging
from dataclasses import dataclass
from email.utils import parseaddr
from smtplib import (
    SMTPDataError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.models import Notification, NotificationKind
from booking_project.bookings.storage.sql import no_idle_timeout
from shared.formats.text import describe

logger = logging.getLogger(__name__)

# RFC 5321, 4.5.3.1
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64
_PERMANENT = range(500, 600)
_CLOSING = 421

# A user who has just booked sees the answer on the screen and needs no mail.
MAIL_FOR = {
    Reason.SEAT_FREED: NotificationKind.PROMOTED,
    Reason.CAPACITY_RAISED: NotificationKind.PROMOTED,
    Reason.REPAIRED: NotificationKind.PROMOTED,
    Reason.CANCELLED_BY_USER: NotificationKind.CANCELLED_BY_USER,
    Reason.EVENT_CANCELLED: NotificationKind.EVENT_CANCELLED,
}


class Undeliverable(Exception):
    """No such address, or refused for good: no retry will get this mail through."""


class NotNow(Exception):
    """The mail server is reachable, but doesn't accept this mail now. It may accept others."""


class MailServerUnavailable(Exception):
    """The mail server can't be reached, or accepts none of our mail now."""


@dataclass(frozen=True, kw_only=True)
class BookingNews:
    """What became of booking `id`. `message_id` is the id of the message that announced it."""

    message_id: UUID
    id: int
    event_name: str
    user_id: str
    kind: NotificationKind


@transaction.atomic
def notify(news: BookingNews) -> bool:
    """Send the mail. False if this message's mail was already sent.

    Holds the unique `message_id` while the mail is being sent. Another process that handles the
    same message meanwhile waits (at most the lock timeout, then `OperationalError`) and sees the
    outcome. Raises `Undeliverable`, `NotNow` and `MailServerUnavailable`; none leaves a row.
    """
    mail = _mail(news)
    no_idle_timeout()
    try:
        with transaction.atomic():
            Notification.objects.create(
                message_id=news.message_id,
                booking_id=news.id,
                kind=news.kind,
                address=mail.to[0],
            )
    except IntegrityError as error:
        if "notification_once_per_message" in str(error):
            return False
        raise
    _send(mail)
    return True


def address_of(user_id: str) -> str:
    """The user's mail address: the id itself, if it is one. Raises `Undeliverable`."""
    if _is_address(user_id):
        return user_id
    address = settings.NOTIFICATION_ADDRESS.replace("{user_id}", user_id)
    if not _is_address(address):
        raise Undeliverable(f"{address!r} is no mail address")
    return address


def _is_address(text: str) -> bool:
    """Stricter than Django's validator, which also accepts addresses that no mail can reach: a
    domain with no DNS form, or a local part in letters that only look like ASCII."""
    local_part, _, domain = text.rpartition("@")
    try:
        validate_email(text)
        domain.encode("idna")
    except (ValidationError, UnicodeError):
        return False
    return (
        local_part.isascii()
        and len(text) <= _LONGEST_ADDRESS
        and len(local_part) <= _LONGEST_LOCAL_PART
    )


def _mail(news: BookingNews) -> EmailMessage:
    template = f"bookings/mail/{news.kind}"
    subject = render_to_string(f"{template}.subject.txt", {"news": news})
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return EmailMessage(
        subject=" ".join(subject.split()),  # a header is one line, whatever the event is called
        body=render_to_string(f"{template}.txt", {"news": news}),
        to=[address_of(news.user_id)],
        headers={"Message-ID": f"<{news.message_id}@{domain}>"},
    )


def _send(mail: EmailMessage) -> None:
    """Uses one connection per mail, so it can't have died since the last mail.

    A failure before the server is asked to accept this mail is due to the server, our account or
    our sender, and is the same for every mail. A later failure may be due to this mail.
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
