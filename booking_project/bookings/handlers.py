"""From a message to a service: decode, validate, apply."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from prometheus_client import Histogram
from rest_framework import serializers

from booking_project.bookings.models import DEFAULT_CURRENCY, DEFAULT_TIME_ZONE
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.events import (
    EventNews,
    EventState,
    ImplausibleVersion,
    event_sync,
    events_sync,
)
from shared.formats.fields import (
    CurrencyField,
    InstantField,
    LinesField,
    MoneyField,
    TextField,
    TimeZoneField,
    WholeNumberField,
)
from shared.messaging.errors import BadMessage, HandleAlone
from shared.messaging.handling import FlatMessage, database, decode
from shared.messaging.incoming import Failures, IncomingMessage
from shared.observability.tracing import span

logger = logging.getLogger(__name__)

SYNC_LAG = Histogram(
    "event_sync_lag_seconds",
    "From an event's change to the commit of its copy, by the clocks of both services",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
)

_LARGEST = 2**31 - 1


class EventMessage(FlatMessage[EventState]):
    """The body of `event.*`: the full state of an event. Unknown members are ignored.

    What has a default was added later. A message without it means the default.
    """

    id = WholeNumberField(min_value=1, max_value=2**63 - 1)
    name = TextField(max_length=255)
    max_seats = WholeNumberField(min_value=1, max_value=_LARGEST)
    waitlist_limit = WholeNumberField(min_value=0, max_value=_LARGEST)
    price = MoneyField(max_digits=12, decimal_places=2, min_value=0)
    booking_start_at = InstantField()
    booking_end_at = InstantField()
    description = LinesField(max_length=10_000, allow_null=True, default=None)
    venue = TextField(max_length=255, allow_null=True, default=None)
    starts_at = InstantField(allow_null=True, default=None)
    ends_at = InstantField(allow_null=True, default=None)
    time_zone = TimeZoneField(default=DEFAULT_TIME_ZONE)
    currency = CurrencyField(default=DEFAULT_CURRENCY)
    waiting_room_rate = WholeNumberField(
        min_value=1, max_value=_LARGEST, allow_null=True, default=None
    )
    created_at = InstantField()
    updated_at = InstantField()
    version = WholeNumberField(min_value=1, max_value=_LARGEST)
    cancelled_at = InstantField(allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["booking_end_at"] <= attrs["booking_start_at"]:
            raise serializers.ValidationError("booking ends before it starts")
        starts, ends = attrs["starts_at"], attrs["ends_at"]
        if starts and ends and ends < starts:
            raise serializers.ValidationError("the event ends before it starts")
        return attrs


def handle_event_messages(messages: Sequence[IncomingMessage]) -> Failures:
    """A message fails with `BadMessage`, or with `HandleAlone` if its event needs a transaction of
    its own.

    Raises `HandlerUnavailable` while the database is unavailable; for a message alone, `TryLater`
    if another transaction holds the event's row too long.
    """
    failures: dict[IncomingMessage, Exception] = {}
    news: dict[EventNews, IncomingMessage] = {}
    for message in messages:
        try:
            news[_event_news(message)] = message
        except BadMessage as error:
            failures[message] = error
    if not news:
        return failures
    with database(), span("upsert events"):
        outcomes = events_sync(list(news))
        if not outcomes and len(messages) == 1:
            outcomes = {each: _sync_alone(each) for each in news}
    for each, message in news.items():
        outcome = outcomes.get(each)
        if outcome is None:
            failures[message] = HandleAlone()
        elif isinstance(outcome, ImplausibleVersion):
            failures[message] = BadMessage(str(outcome))
    _report(news, outcomes)
    return failures


def _event_news(message: IncomingMessage) -> EventNews:
    """Raises `BadMessage`."""
    state = EventState(**decode(message, EventMessage, what="an event"))
    republished = message.headers.get("x-republished") == "true"
    forced = republished and message.headers.get("x-forced") == "true"
    return EventNews(state=state, republished=republished, forced=forced, cause=message.cause)


def _sync_alone(news: EventNews) -> bool | ImplausibleVersion:
    try:
        return event_sync(
            news.state, republished=news.republished, forced=news.forced, cause=news.cause
        )
    except ImplausibleVersion as error:
        return error


def _report(
    messages: Mapping[EventNews, IncomingMessage],
    outcomes: Mapping[EventNews, bool | ImplausibleVersion],
) -> None:
    now = timezone.now()
    for news, outcome in outcomes.items():
        if isinstance(outcome, ImplausibleVersion):
            continue
        what = "taken over" if outcome else "is not new"
        logger.info(
            "event %d version %d %s",
            news.state.id,
            news.state.version,
            what,
            extra=messages[news].log_fields,
        )
        if outcome and not news.republished:
            SYNC_LAG.observe((now - news.state.updated_at).total_seconds())


class PendingBatches:
    """What a consumer does between messages: one batch for one event. Events take turns."""

    def __init__(self) -> None:
        self._last_event_id = 0

    def do_next(self) -> bool:
        """Whether there may be more. Raises `HandlerUnavailable` if the database is unavailable."""
        with database():
            event_id = do_next_batch(after=self._last_event_id)
        self._last_event_id = event_id or 0
        return event_id is not None
