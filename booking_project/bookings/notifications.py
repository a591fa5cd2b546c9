"""Mails to users whose booking became something without, or because of, their asking.

A mail and the row that says it was sent are one transaction, which commits after the mail server
has accepted the mail: a message that comes twice sends one mail, whoever handles it and whenever.
One window is left, and no order of the two steps closes it: if the process or the database dies
after the acceptance and before the commit, the mail is sent again. Both copies carry the same
`Message-ID`, made from the message's, by which mail servers and readers recognise them as one.
"""

from dataclasses import dataclass
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from booking_project.bookings.facts import Cause
from booking_project.bookings.models import Notification, NotificationKind
from booking_project.bookings.statements import no_idle_timeout

# RFC 5321, 4.5.3.1
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64
_PERMANENT = range(500, 600)

# Whoever was just booked has the answer on the screen and needs no mail.
MAIL_FOR = {
    Cause.SEAT_FREED: NotificationKind.PROMOTED,
    Cause.CAPACITY_RAISED: NotificationKind.PROMOTED,
    Cause.REPAIRED: NotificationKind.PROMOTED,
    Cause.CANCELLED_BY_USER: NotificationKind.CANCELLED_BY_USER,
    Cause.EVENT_CANCELLED: NotificationKind.EVENT_CANCELLED,
}


class Undeliverable(Exception):
    """No such address, or refused for good: no retry will get this mail through."""


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
    it. Raises `Undeliverable` and `MailServerUnavailable`; neither leaves a row.
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
    try:
        validate_email(text)
    except ValidationError:
        return False
    local_part = text.rpartition("@")[0]
    return len(text) <= _LONGEST_ADDRESS and len(local_part) <= _LONGEST_LOCAL_PART


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
    """A connection per mail: there is none that could have died since the last one."""
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        [(code, text)] = error.recipients.values()
        raise _refusal(code, text) from error
    except SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except OSError as error:
        # SMTPException is an OSError, too. What is left concerns the server, our account or our
        # sender's address: the same for every mail, so an operator's task and not this mail's end.
        raise MailServerUnavailable(repr(error)) from error


def _refusal(code: int, text: bytes | str) -> Undeliverable | MailServerUnavailable:
    kind = Undeliverable if code in _PERMANENT else MailServerUnavailable
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return kind(f"{code} {said}")
