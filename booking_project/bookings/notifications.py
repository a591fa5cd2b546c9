"""Mails to users whose booking became something without, or because of, their asking.

A mail and the row that says it was sent are one transaction, which commits after the mail server
has accepted the mail: a message that comes twice sends one mail, whoever handles it and whenever.
One window is left, and no order of the two steps closes it: if the process or the database dies
after the acceptance and before the commit, the mail is sent again. Both copies carry the same
`Message-ID`, made from the message's, by which mail servers and readers recognise them as one.
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
from shared.text import describe

logger = logging.getLogger(__name__)

# RFC 5321, 4.5.3.1
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64
_PERMANENT = range(500, 600)
_CLOSING = 421

# Whoever was just booked has the answer on the screen and needs no mail.
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
    """The mail server is there, and does not take this mail now. It may take others."""


class MailServerUnavailable(Exception):
    """The mail server can't be reached, or takes no mail of ours now."""


@dataclass(frozen=True, kw_only=True)
class BookingNews:
    """What became of booking `id`; `message_id` is that of the message that told of it."""

    message_id: UUID
    id: int
    event_name: str
    user_id: str
    kind: NotificationKind


@transaction.atomic
def notify(news: BookingNews) -> bool:
    """Send the mail, unless the message's mail was sent before: then False.

    Holds the unique `message_id` while the mail is being sent, so whoever handles the same message
    meanwhile waits (at most the lock timeout, then `OperationalError`) and learns what became of
    it. Raises `Undeliverable`, `NotNow` and `MailServerUnavailable`; none of them leaves a row.
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
    """Django's validator also accepts what no mail can be addressed to: a domain that has no form
    in DNS, and a local part in letters that only look like ASCII."""
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
    """A connection per mail: there is none that could have died since the last one.

    What fails before the server is asked to take this mail is the server's, our account's or our
    sender's, and the same for every mail. What fails afterwards may be this mail's.
    """
    try:
        server = get_connection()
        server.open()
    except (OSError, ImproperlyConfigured, ValueError) as error:
        # SMTPException is an OSError. The others: a folder or an EMAIL_URL that can't be.
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
        # What the email package raises for what it can't build is listed nowhere.
        raise Undeliverable(describe(error)) from error
    finally:
        _hang_up(server)


def _hang_up(server: BaseEmailBackend) -> None:
    """The mail's fate is known by now, whatever the server says to QUIT."""
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
