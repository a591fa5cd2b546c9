"""From a message about a booking to a mail: decode, validate, notify."""

import logging
from uuid import UUID

from rest_framework import serializers

from booking_project.notifications.errors import MailServerUnavailable, NotNow, Undeliverable
from booking_project.notifications.mails import BookingNews
from booking_project.notifications.models import NotificationKind
from booking_project.notifications.services import notify
from shared.formats.fields import TextField, WholeNumberField
from shared.messaging.errors import BadMessage, HandlerUnavailable, TryLater
from shared.messaging.handling import database, decode
from shared.messaging.incoming import IncomingMessage

logger = logging.getLogger(__name__)

# By the `cause` of docs/messages.md. A user who has just booked sees the answer on the screen and
# needs no mail.
KIND_BY_CAUSE = {
    "seat_freed": NotificationKind.PROMOTED,
    "capacity_raised": NotificationKind.PROMOTED,
    "repaired": NotificationKind.PROMOTED,
    "cancelled_by_user": NotificationKind.CANCELLED_BY_USER,
    "event_cancelled": NotificationKind.EVENT_CANCELLED,
}


class BookingMessage(serializers.Serializer[BookingNews]):
    """What a mail needs from the body of `booking.*`. Unknown members are ignored."""

    id = WholeNumberField(min_value=1, max_value=2**63 - 1)
    event_name = TextField(max_length=255)
    user_id = TextField(max_length=255)
    cause = serializers.ChoiceField(choices=list(KIND_BY_CAUSE))


def handle_booking_message(message: IncomingMessage) -> None:
    """Raises `BadMessage`, also if no mail can ever be sent because there is no such address;
    `TryLater` if the server doesn't accept this mail now; and `HandlerUnavailable` while the
    database or the mail server is unavailable.
    """
    body = decode(message, BookingMessage, what="a booking to tell of")
    kind = KIND_BY_CAUSE[body.pop("cause")]
    news = BookingNews(message_id=_message_id(message), kind=kind, **body)
    try:
        with database():
            sent = notify(news)
    except Undeliverable as error:
        raise BadMessage(f"undeliverable: {error}") from error
    except NotNow as error:
        raise TryLater(str(error)) from error
    except MailServerUnavailable as error:
        raise HandlerUnavailable(f"the mail server is away: {error}") from error
    logger.info("booking %d: %s", news.id, "mail sent" if sent else "the mail was sent before")


def _message_id(message: IncomingMessage) -> UUID:
    try:
        return UUID(message.message_id or "")
    except ValueError as error:
        raise BadMessage(f"its message_id is no UUID: {message.message_id!r}") from error
