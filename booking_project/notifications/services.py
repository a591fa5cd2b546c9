"""Mails to users whose booking changed, at their request or without it.

Sending mails and writing the rows that record them are one transaction, which commits after the
mail server has answered. So a message that arrives twice sends one mail, whichever process handles
it and whenever. One window remains, and no order of the two steps closes it: if the process or the
database dies after the server has accepted mails of a batch and before the commit, these mails are
sent again. Both copies carry the same `Message-ID`, derived from the message's id, so mail servers
and mail readers can recognise them as one.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from django.core.mail import EmailMessage
from django.db import transaction
from prometheus_client import Counter

from booking_project.contacts.selectors import contacts_of
from booking_project.notifications import sql
from booking_project.notifications.errors import NotSent, Undeliverable
from booking_project.notifications.mails import BookingNews, mail_about
from booking_project.notifications.models import Notification
from booking_project.notifications.sending import MailSender
from shared.observability.tracing import log_fields

logger = logging.getLogger(__name__)

_MAILS = Counter("notifier_mails", "Mails by result: sent, or why not", ["result"])

# The next batch waits for the slowest mail of this one, and a crash may repeat a batch's mails.
BATCH_SIZE = 8


def notify(news: Iterable[BookingNews], *, sender: MailSender) -> dict[UUID, NotSent]:
    """Send the mails, except those that were already sent. Returns, by `message_id`, why mails were
    not sent; they leave no row.

    Holds each unique `message_id` while the mails are being sent. Another process that handles one
    of the messages meanwhile waits (at most the lock timeout, then `OperationalError`) and sees the
    outcome.
    """
    news = list(news)
    contacts = contacts_of(each.user_id for each in news)
    not_sent: dict[UUID, NotSent] = {}
    mails: list[tuple[BookingNews, EmailMessage]] = []
    for each in news:
        try:
            mails.append((each, mail_about(each, contact=contacts.get(each.user_id))))
        except Undeliverable as error:
            not_sent[each.message_id] = error
    if mails:
        not_sent |= _send_new(mails, sender)
    for each in news:
        why_not = not_sent.get(each.message_id)
        _MAILS.labels("sent" if why_not is None else type(why_not).__name__).inc()
    return not_sent


@transaction.atomic
def _send_new(
    mails: list[tuple[BookingNews, EmailMessage]], sender: MailSender
) -> dict[UUID, NotSent]:
    sql.no_idle_timeout()
    new = sql.insert_new(
        (news.message_id, news.id, news.kind.value, mail.to[0]) for news, mail in mails
    )
    not_sent = sender.send(
        {news.message_id: (mail, news.step) for news, mail in mails if news.message_id in new}
    )
    if not_sent:
        Notification.objects.filter(message_id__in=not_sent).delete()
    for news, _ in mails:
        if news.message_id not in not_sent:
            is_new = news.message_id in new
            logger.info(
                "booking %d: %s",
                news.id,
                "mail sent" if is_new else "the mail was sent before",
                extra=log_fields(request_id=news.request_id, step=news.step),
            )
    return not_sent
