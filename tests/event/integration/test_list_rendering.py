"""The list is rendered without serializers, with the same result."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from event_project.events.api.serializers import EventOutput
from event_project.events.models import Event
from shared.formats.json import dump_json
from tests.support.event.factories import insert_events
from tests.support.event.http import EVENTS

pytestmark = pytest.mark.django_db

NAMES = ["คอนเสิร์ต", "😀", 'a "quoted" \\ name', "<b>&</b>", "a\u2028b", "x" * 255, " x "]
PRICES = ["0", "0.01", "0.1", "2500", "2500.5", "2500.50", "9999999999.99", "1000000000"]
TIMES = [
    None,
    datetime(2026, 2, 20, 10, 0, tzinfo=UTC),
    datetime(2026, 2, 20, 10, 0, 0, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
ODD: list[dict[str, Any]] = [
    *({"name": name} for name in NAMES),
    *({"price": Decimal(price)} for price in PRICES),
    *({"cancelled_at": time} for time in TIMES),
    {"max_seats": 2**31 - 1, "waitlist_limit": 2**31 - 1, "version": 2**31 - 1},
]


def test_the_list_is_what_the_serializer_makes(client: Client) -> None:
    for values in ODD:
        insert_events(1, **values)

    listed = client.get(f"{EVENTS}?limit=1000").content

    assert listed == dump_json([EventOutput(event).data for event in Event.objects.all()])
    assert listed.count(b'"cancelled_at":null') == len(ODD) - len(TIMES) + 1
