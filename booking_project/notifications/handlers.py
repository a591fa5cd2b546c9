"""From messages about bookings to mails: decode, validate, notify."""

from collections.abc import Iterable
from uuid import UUID

from rest_framework import serializers

from booking_project.notifications.errors import (
    MailServerUnavailable,
    NotNow,
    NotSent,
    Undeliverable,
)
from booking_project.notifications.mails import BookingNews
from booking_project.notifications.models import NotificationKind
from booking_project.notifications.sending import MailSender
from booking_project.notifications.services import notify
from shared.formats.fields import TextField, WholeNumberField
from shared.messaging.errors import BadMessage, HandleAlone, HandlerUnavailable, TryLater
from shared.messaging.handling import database, decode
from shared.messaging.incoming import IncomingMessage

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


def handle_booking_messages(
    messages: Iterable[IncomingMessage], *, sender: MailSender
) -> dict[IncomingMessage, Exception]:
    """Returns what becomes of the messages whose mails were not sent: `BadMessage`, also if no mail
    can ever be sent because there is no such address; `TryLater` if the server doesn't accept a
    mail now; `HandlerUnavailable` while the mail server is unavailable; `HandleAlone` if there was
    no time for it.

    Raises `HandlerUnavailable` and `TryLater` for the database.
    """
    failures: dict[IncomingMessage, Exception] = {}
    messages_by_id: dict[UUID, IncomingMessage] = {}
    news: list[BookingNews] = []
    for message in messages:
        try:
            each = _news(message)
        except BadMessage as error:
            failures[message] = error
            continue
        if each.message_id in messages_by_id:
            failures[message] = HandleAlone()  # a copy, which must see what became of the other
        else:
            messages_by_id[each.message_id] = message
            news.append(each)
    with database():
        not_sent = notify(news, sender=sender)
    return failures | {
        messages_by_id[message_id]: _failure(error) for message_id, error in not_sent.items()
    }


def _news(message: IncomingMessage) -> BookingNews:
    body = decode(message, BookingMessage, what="a booking")
    kind = KIND_BY_CAUSE[body.pop("cause")]
    return BookingNews(
        message_id=_message_id(message),
        request_id=message.request_id,
        step=message.step,
        kind=kind,
        **body,
    )


def _message_id(message: IncomingMessage) -> UUID:
    try:
        return UUID(message.message_id or "")
    except ValueError as error:
        raise BadMessage(f"its message_id is not a UUID: {message.message_id!r}") from error


def _failure(error: NotSent) -> Exception:
    match error:
        case Undeliverable():
            return BadMessage(f"undeliverable: {error}")
        case NotNow():
            return TryLater(str(error))
        case MailServerUnavailable():
            return HandlerUnavailable(f"the mail server is away: {error}")
        case _:
            return HandleAlone()
