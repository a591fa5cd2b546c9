"""The mail that tells a user what happened to a booking."""

import re
from dataclasses import dataclass
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext

from booking_project.contacts.models import Contact
from booking_project.notifications.addresses import address_of
from booking_project.notifications.models import NotificationKind
from booking_project.notifications.texts import DETAILS, GREETING, GREETING_BY_NAME, TEXTS
from shared.observability.tracing import Step

_LINK = re.compile(r"[/@:]|\.[A-Za-z]{2}")


@dataclass(frozen=True, kw_only=True)
class BookingNews:
    """What happened to booking `id`. `message_id` is the id of the message that announced it,
    `request_id` that of the request that caused it, `step` the handling of the message."""

    message_id: UUID
    id: int
    event_name: str
    user_id: str
    kind: NotificationKind
    request_id: str = ""
    step: Step | None = None


def mail_about(news: BookingNews, *, contact: Contact | None) -> EmailMessage:
    """In the user's language, if it is known. Raises `Undeliverable` if the user has no mail
    address."""
    text = TEXTS[news.kind]
    with translation.override(contact.language if contact else settings.LANGUAGE_CODE):
        subject = gettext(text.subject) % {"event": news.event_name}
        body = "\n\n".join(
            [
                _greeting(contact.name if contact else ""),
                gettext(text.body),
                gettext(DETAILS) % {"event": news.event_name, "booking": news.id},
            ]
        )
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return EmailMessage(
        subject=" ".join(subject.split()),  # a header is one line, whatever the event is called
        body=f"{body}\n",
        to=[address_of(news.user_id)],
        headers={"Message-ID": f"<{news.message_id}@{domain}>"},
    )


def _greeting(name: str) -> str:
    """Anybody may book for any address, so nothing that a mail reader makes a link of is a name."""
    name = " ".join(name.split())
    if not name or _LINK.search(name):
        return gettext(GREETING)
    return gettext(GREETING_BY_NAME) % {"name": name}
