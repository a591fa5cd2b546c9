"""`GET /api/v1/events?open=…&upcoming=…&name=…`: only the events that match all of these."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from event_project.events.models import Event
from tests.support.event.factories import EventFactory, insert_events
from tests.support.event.http import EVENTS, assert_problem
from tests.support.lists import ids, links

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@pytest.fixture
def events() -> Mapping[str, int]:
    """The id of one event of each kind."""
    now = timezone.now()
    made = {
        "over": EventFactory(booking_start_at=now - 2 * HOUR, booking_end_at=now - HOUR),
        "open": EventFactory(booking_start_at=now - HOUR, booking_end_at=now + HOUR),
        "upcoming": EventFactory(booking_start_at=now + HOUR, booking_end_at=now + 2 * HOUR),
        "cancelled, would be open": EventFactory(
            booking_start_at=now - HOUR, booking_end_at=now + HOUR, cancelled_at=now
        ),
        "cancelled, would come": EventFactory(
            booking_start_at=now + HOUR, booking_end_at=now + 2 * HOUR, cancelled_at=now
        ),
    }
    return {kind: event.pk for kind, event in made.items()}


@contextmanager
def database_clock_at(moment: datetime) -> Iterator[list[str]]:
    """Makes `moment` the time of the server's clock, for all statements."""
    asked: list[str] = []

    def stop_the_clock(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "STATEMENT_TIMESTAMP()" in sql:
            asked.append(sql)
            sql = sql.replace("STATEMENT_TIMESTAMP()", f"'{moment.isoformat()}'::timestamptz")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(stop_the_clock):
        yield asked


CANCELLED = {"cancelled, would be open", "cancelled, would come"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("open=true", {"open"}),
        ("open=false", {"over", "upcoming", *CANCELLED}),
        ("upcoming=true", {"upcoming"}),
        ("upcoming=false", {"over", "open", *CANCELLED}),
        ("open=false&upcoming=false", {"over", *CANCELLED}),
        ("open=true&upcoming=true", set()),
        ("open=true&upcoming=false", {"open"}),
        ("", {"over", "open", "upcoming", *CANCELLED}),
    ],
)
def test_window_filters_can_be_combined(
    client: Client, events: Mapping[str, int], query: str, expected: set[str]
) -> None:
    found = ids(client.get(f"{EVENTS}?{query}"))

    assert found == [event_id for kind, event_id in events.items() if kind in expected]


@pytest.mark.parametrize(
    ("edge", "beyond", "is_open", "is_upcoming"),
    [
        ("booking_start_at", -TICK, False, True),
        ("booking_start_at", 0 * TICK, True, False),
        ("booking_end_at", 0 * TICK, True, False),
        ("booking_end_at", TICK, False, False),
    ],
)
def test_a_window_opens_and_closes_by_the_clock_of_the_database(
    client: Client, edge: str, beyond: timedelta, is_open: bool, is_upcoming: bool
) -> None:
    event = EventFactory()

    with database_clock_at(getattr(event, edge) + beyond) as asked:
        for query, expected in (("open", is_open), ("upcoming", is_upcoming)):
            assert bool(ids(client.get(f"{EVENTS}?{query}=true"))) is expected
            assert bool(ids(client.get(f"{EVENTS}?{query}=false"))) is not expected

    assert len(asked) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Workshop", ["Go Workshop", "RUST WORKSHOP"]),
        ("wORKs", ["Go Workshop", "RUST WORKSHOP"]),
        ("go w", ["Go Workshop"]),
        (" go ", ["Go Workshop"]),
        ("100%", ["100% off_season"]),
        ("%", ["100% off_season"]),
        ("_", ["100% off_season"]),
        ("งาน", ["งานวัด"]),
        ("\\", []),
        ("'; --", []),
        ("x" * 255, []),
    ],
)
def test_a_name_is_found_by_any_part_ignoring_case(
    client: Client, text: str, expected: list[str]
) -> None:
    for name in ("Go Workshop", "RUST WORKSHOP", "100% off_season", "งานวัด"):
        EventFactory(name=name)

    found = client.get(EVENTS, {"name": text}).json()

    assert [event["name"] for event in found] == expected


def test_name_and_window_filters_can_be_combined(client: Client, events: Mapping[str, int]) -> None:
    name = Event.objects.get(pk=events["open"]).name

    assert ids(client.get(EVENTS, {"name": name, "open": "true"})) == [events["open"]]
    assert ids(client.get(EVENTS, {"name": name, "open": "false"})) == []


@pytest.mark.parametrize("parameter", ["open", "upcoming"])
@pytest.mark.parametrize("value", ["", "True", "TRUE", "1", "0", "yes", " true", "true\x00", "t"])
def test_a_window_filter_must_be_true_or_false(client: Client, parameter: str, value: str) -> None:
    response = client.get(EVENTS, {parameter: value})

    message = f"{parameter} must be true or false"
    assert_problem(response, 400, code=f"invalid_{parameter}", message=message)


@pytest.mark.parametrize("name", ["", "  ", "\x00", "a\x00b", "bell\x07", "\u200b", "x" * 256])
def test_a_name_that_no_event_can_have_is_refused(client: Client, name: str) -> None:
    problem = assert_problem(client.get(EVENTS, {"name": name}), 400, code="invalid_name")

    assert problem["message"].startswith("name: ")


def test_an_unknown_parameter_is_ignored(client: Client) -> None:
    (event,) = EventFactory.create_batch(1)

    assert ids(client.get(f"{EVENTS}?closed=maybe")) == [event.pk]


def test_the_links_of_a_page_keep_the_filters(client: Client) -> None:
    now = timezone.now()
    window = {"booking_start_at": now - HOUR, "booking_end_at": now + HOUR}
    wanted = []
    for _ in range(3):
        wanted.append(EventFactory(name="Go & more", **window).pk)
        EventFactory(name="Go & more")
        EventFactory(**window)
    pages = [client.get(EVENTS, {"open": "true", "name": "go &", "limit": "2"})]
    pages.append(client.get(links(pages[0])["next"]))

    assert [ids(page) for page in pages] == [wanted[:2], wanted[2:]]
    assert ids(client.get(links(pages[1])["prev"])) == wanted[:2]


@pytest.mark.parametrize("parameter", ["open", "upcoming"])
def test_open_events_are_found_without_reading_past_ones(client: Client, parameter: str) -> None:
    now = timezone.now()
    insert_events(2000, booking_start_at=now - 2 * HOUR, booking_end_at=now - HOUR)
    EventFactory(booking_start_at=now - HOUR, booking_end_at=now + HOUR)
    EventFactory(booking_start_at=now + HOUR, booking_end_at=now + 2 * HOUR)
    with CaptureQueriesContext(connection) as queries:
        assert len(ids(client.get(f"{EVENTS}?{parameter}=true"))) == 1
    [statement] = [query["sql"] for query in queries]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "event_not_cancelled_by_end" in plan
