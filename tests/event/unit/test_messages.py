"""The body of a message: the event as one flat object, as the contract prints it."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from event_project.events.messages import announcement, event_message
from event_project.events.models import Event

BANGKOK = timezone(timedelta(hours=7))


def an_event() -> Event:
    return Event(
        pk=7,
        name="งาน",
        max_seats=50,
        waitlist_limit=5,
        price=Decimal("2500.00"),
        booking_start_at=datetime(2026, 2, 20, 17, 0, tzinfo=BANGKOK),
        booking_end_at=datetime(2026, 2, 25, 17, 0, tzinfo=BANGKOK),
        created_at=datetime(2026, 2, 20, 9, 0, 0, 123456, tzinfo=UTC),
        updated_at=datetime(2026, 2, 20, 9, 0, 0, 123456, tzinfo=UTC),
        version=3,
    )


def test_a_message_is_the_event_in_full_and_flat() -> None:
    assert event_message(an_event()) == {
        "id": 7,
        "name": "งาน",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500,
        "booking_start_at": "2026-02-20T10:00:00Z",
        "booking_end_at": "2026-02-25T10:00:00Z",
        "description": None,
        "venue": None,
        "starts_at": None,
        "ends_at": None,
        "time_zone": "Asia/Bangkok",
        "currency": "THB",
        "waiting_room_rate": None,
        "created_at": "2026-02-20T09:00:00.123456Z",
        "updated_at": "2026-02-20T09:00:00.123456Z",
        "version": 3,
        "cancelled_at": None,
    }


def test_a_message_says_what_is_known_of_the_event() -> None:
    event = an_event()
    known = {
        "description": "# ยินดีต้อนรับ\n\nTwo *days*",
        "venue": "BITEC",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "waiting_room_rate": 50,
    }
    for name, value in known.items():
        setattr(event, name, value)
    event.starts_at = datetime(2026, 3, 7, 9, 0, tzinfo=BANGKOK)
    event.ends_at = datetime(2026, 3, 8, 17, 0, tzinfo=BANGKOK)

    message = event_message(event)

    assert {name: message[name] for name in known} == known
    assert message["starts_at"] == "2026-03-07T02:00:00Z"
    assert message["ends_at"] == "2026-03-08T10:00:00Z"


def test_a_cancelled_event_says_when() -> None:
    event = an_event()
    event.cancelled_at = datetime(2026, 2, 21, 7, 0, tzinfo=BANGKOK)

    assert event_message(event)["cancelled_at"] == "2026-02-21T00:00:00Z"


@pytest.mark.parametrize(
    ("price", "number"),
    [
        ("0", 0),
        ("2500.00", 2500),
        ("2500.50", 2500.5),
        ("0.01", 0.01),
        ("9999999999.99", 9999999999.99),
    ],
)
def test_the_price_is_a_number(price: str, number: float) -> None:
    event = an_event()
    event.price = Decimal(price)

    found = event_message(event)["price"]

    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("created", "cancelled_at", "key"),
    [
        (True, None, "event.created"),
        (False, None, "event.updated"),
        (False, datetime(2026, 2, 21, tzinfo=UTC), "event.cancelled"),
    ],
)
def test_an_announcement_is_addressed_by_what_happened_and_ordered_by_event(
    created: bool, cancelled_at: datetime | None, key: str
) -> None:
    event = an_event()
    event.cancelled_at = cancelled_at

    message = announcement(event, created=created)

    assert (message.exchange, message.routing_key, message.ordering_key) == (
        "events",
        key,
        "event-7",
    )
    assert message.body == event_message(event)
    assert message.headers == {}
    assert message.step is not None
