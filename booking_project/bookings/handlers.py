"""From a message to a service: decode, validate, apply."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone
from prometheus_client import Histogram
from rest_framework import serializers

from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.notifications import (
    MAIL_FOR,
    BookingNews,
    MailServerUnavailable,
    NotNow,
    Undeliverable,
    notify,
)
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.events import EventState, ImplausibleVersion, event_sync
from shared.db.errors import is_outage, is_timeout
from shared.formats.fields import InstantField, MoneyField, TextField, WholeNumberField
from shared.formats.json import load_json
from shared.messaging.consumer import HandlerUnavailable, IncomingMessage, TryLater
from shared.messaging.errors import BadMessage

logger = logging.getLogger(__name__)

SYNC_LAG = Histogram(
    "event_sync_lag_seconds",
    "From an event's change to the commit of its copy, by the clocks of both services",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
)

_LARGEST = 2**31 - 1


class EventMessage(serializers.Serializer[EventState]):
    """The body of `event.*`: the full state of an event. Unknown members are ignored."""

    id = WholeNumberField(min_value=1, max_value=2**63 - 1)
    name = TextField(max_length=255)
    max_seats = WholeNumberField(min_value=1, max_value=_LARGEST)
    waitlist_limit = WholeNumberField(min_value=0, max_value=_LARGEST)
    price = MoneyField(max_digits=12, decimal_places=2, min_value=0)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    created_at = InstantField()
    updated_at = InstantField()
    version = WholeNumberField(min_value=1, max_value=_LARGEST)
    cancelled_at = InstantField(allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["booking_end_at"] <= attrs["booking_start_at"]:
            raise serializers.ValidationError("booking ends before it starts")
        return attrs


class BookingMessage(serializers.Serializer[BookingNews]):
    """What a mail needs from the body of `booking.*`. Unknown members are ignored."""

    id = WholeNumberField(min_value=1, max_value=2**63 - 1)
    event_name = TextField(max_length=255)
    user_id = TextField(max_length=255)
    cause = serializers.ChoiceField(choices=[cause.value for cause in MAIL_FOR])


def handle_event_message(message: IncomingMessage) -> None:
    """Raises `BadMessage`, `TryLater` if another transaction holds the event's row too long, or
    `HandlerUnavailable` while the database is unavailable."""
    state = EventState(**_decode(message, EventMessage, what="an event"))
    republished = message.headers.get("x-republished") == "true"
    forced = republished and message.headers.get("x-forced") == "true"
    try:
        with _database():
            changed = event_sync(state, republished=republished, forced=forced)
    except ImplausibleVersion as error:
        raise BadMessage(str(error)) from error
    if changed and not republished:
        SYNC_LAG.observe((timezone.now() - state.updated_at).total_seconds())
    logger.info(
        "event %d version %d %s", state.id, state.version, "taken over" if changed else "is not new"
    )


class PendingBatches:
    """What a consumer does between messages: one batch for one event. Events take turns."""

    def __init__(self) -> None:
        self._last_event_id = 0

    def do_next(self) -> bool:
        """Whether there may be more. Raises `HandlerUnavailable` if the database is unavailable."""
        with _database():
            event_id = do_next_batch(after=self._last_event_id)
        self._last_event_id = event_id or 0
        return event_id is not None


def handle_booking_message(message: IncomingMessage) -> None:
    """Raises `BadMessage`, also if no mail can ever be sent because there is no such address;
    `TryLater` if the server doesn't accept this mail now; and `HandlerUnavailable` while the
    database or the mail server is unavailable.
    """
    body = _decode(message, BookingMessage, what="a booking to tell of")
    kind = MAIL_FOR[Reason(body.pop("cause"))]
    news = BookingNews(message_id=_message_id(message), kind=kind, **body)
    try:
        with _database():
            sent = notify(news)
    except Undeliverable as error:
        raise BadMessage(f"undeliverable: {error}") from error
    except NotNow as error:
        raise TryLater(str(error)) from error
    except MailServerUnavailable as error:
        raise HandlerUnavailable(f"the mail server is away: {error}") from error
    logger.info("booking %d: %s", news.id, "mail sent" if sent else "the mail was sent before")


@contextmanager
def _database() -> Iterator[None]:
    """Leaves a working connection for the next message, whatever happened."""
    close_old_connections()
    try:
        yield
    except DatabaseError as error:
        connection.close()
        if is_outage(error):
            raise HandlerUnavailable(f"the database is away: {error}") from error
        if is_timeout(error):
            raise TryLater(f"the database took too long: {error}") from error
        raise
    except Exception:
        connection.close()
        raise


def _decode(
    message: IncomingMessage, form_class: type[serializers.Serializer[Any]], *, what: str
) -> dict[str, Any]:
    try:
        body = load_json(message.body)
    except ValueError as error:
        raise BadMessage(f"not JSON: {error}") from error
    form = form_class(data=body)
    if not form.is_valid():
        raise BadMessage(f"not {what}: {dict(form.errors)}")
    return cast("dict[str, Any]", form.validated_data)


def _message_id(message: IncomingMessage) -> UUID:
    try:
        return UUID(message.message_id or "")
    except ValueError as error:
        raise BadMessage(f"its message_id is no UUID: {message.message_id!r}") from error
