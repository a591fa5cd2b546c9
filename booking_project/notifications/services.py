"""Mails to users whose booking changed, at their request or without it.

Sending a mail and writing the row that records it are one transaction, which commits after the
mail server has accepted the mail. So a message that arrives twice sends one mail, whichever process
handles it and whenever. One window remains, and no order of the two steps closes it: if the process
or the database dies after the acceptance and before the commit, the mail is sent again. Both copies
carry the same `Message-ID`, derived from the message's id, so mail servers and mail readers can
recognise them as one.
"""

from django.db import IntegrityError, transaction

from booking_project.notifications.mails import BookingNews, mail_about
from booking_project.notifications.models import Notification
from booking_project.notifications.sending import send
from booking_project.notifications.sql import no_idle_timeout


@transaction.atomic
def notify(news: BookingNews) -> bool:
    """Send the mail. False if this message's mail was already sent.

    Holds the unique `message_id` while the mail is being sent. Another process that handles the
    same message meanwhile waits (at most the lock timeout, then `OperationalError`) and sees the
    outcome. Raises `Undeliverable`, `NotNow` and `MailServerUnavailable`; none leaves a row.
    """
    mail = mail_about(news)
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
    send(mail)
    return True
