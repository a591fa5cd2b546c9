"""The mail that tells a user what happened to a booking."""

from dataclasses import dataclass
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from booking_project.notifications.addresses import address_of
from booking_project.notifications.models import NotificationKind


@dataclass(frozen=True, kw_only=True)
class BookingNews:
    """What happened to booking `id`. `message_id` is the id of the message that announced it."""

    message_id: UUID
    id: int
    event_name: str
    user_id: str
    kind: NotificationKind


def mail_about(news: BookingNews) -> EmailMessage:
    """Raises `Undeliverable` if the user has no mail address."""
    template = f"notifications/mail/{news.kind}"
    subject = render_to_string(f"{template}.subject.txt", {"news": news})
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return EmailMessage(
        subject=" ".join(subject.split()),  # a header is one line, whatever the event is called
        body=render_to_string(f"{template}.txt", {"news": news}),
        to=[address_of(news.user_id)],
        headers={"Message-ID": f"<{news.message_id}@{domain}>"},
    )
