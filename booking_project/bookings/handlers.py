"""From a message to a service: decode, validate, apply."""

import logging

from django.db import InterfaceError, InternalError, OperationalError, close_old_connections
from rest_framework import serializers

from booking_project.bookings.services import EventState, event_sync
from shared.api.fields import InstantField, MoneyField, TextField, WholeNumberField
from shared.json import load_json
from shared.messaging.consumer import HandlerUnavailable, IncomingMessage
from shared.messaging.errors import BadMessage

logger = logging.getLogger(__name__)

_LARGEST = 2**31 - 1


class EventMessage(serializers.Serializer[EventState]):
    """The body of `event.*`: the full state of an event. Members we don't know are let be."""

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


def handle_event_message(message: IncomingMessage) -> None:
    """Raises `BadMessage`, or `HandlerUnavailable` while the database is away."""
    state = _decode(message)
    close_old_connections()
    try:
        changed = event_sync(state)
    except (OperationalError, InterfaceError, InternalError) as error:
        close_old_connections()
        raise HandlerUnavailable(f"the database is away: {error}") from error
    logger.info(
        "event %d version %d %s", state.id, state.version, "taken over" if changed else "is not new"
    )


def _decode(message: IncomingMessage) -> EventState:
    try:
        body = load_json(message.body)
    except ValueError as error:
        raise BadMessage(f"not JSON: {error}") from error
    form = EventMessage(data=body)
    if not form.is_valid():
        raise BadMessage(f"not an event: {dict(form.errors)}")
    return EventState(**form.validated_data)
