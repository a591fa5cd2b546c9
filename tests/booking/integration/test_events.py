"""The list of events, the events that can be booked, and what the hot path reads of an event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.api.serializers import ListedEventOutput, represent_status
from booking_project.bookings.domain.errors import EventNotFound
from booking_project.bookings.models import DESCRIPTIVE, Event
from booking_project.bookings.selectors import event_get, upcoming_events
from booking_project.bookings.storage.loaders import event_load
from shared.formats.json import dump_json
from tests.support.booking.commands import decided, to_book
from tests.support.booking.factories import EventFactory, booked, now
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import rows_read

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/events"


def ids_of(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [event["id"] for event in response.json()]


class TestList:
    def test_is_what_the_serializer_makes(self, client: Client) -> None:
        known = {"venue": 'a "hall"', "starts_at": now(), "ends_at": now(), "currency": "EUR"}
        full = EventFactory(max_seats=1, waitlist_limit=1)
        booked(full, ["ann", "ben"])
        honoured = EventFactory(max_seats=2)
        booked(honoured, ["ann", "ben"])
        Event.objects.filter(pk=honoured.pk).update(max_seats=1, honoured_seats=2)
        EventFactory(cancelled_at=now(), description="secret", **known)
        EventFactory(not_started=True)
        EventFactory(over=True)

        listed = client.get(EVENTS).content

        expected = []
        for event in Event.objects.all():
            names = ["version", *(name for name in DESCRIPTIVE if name != "description")]
            shown = represent_status(event) | {name: getattr(event, name) for name in names}
            expected.append(ListedEventOutput(shown).data)
            assert set(shown) == set(ListedEventOutput().fields)
        assert listed == dump_json(expected)
        assert b"secret" not in listed

    def test_shows_what_the_status_shows(self, client: Client) -> None:
        event = EventFactory()
        booked(event, ["ann"])

        [listed] = client.get(EVENTS).json()

        status = client.get(f"{EVENTS}/{event.pk}/status").json()
        assert {name: listed[name] for name in status} == status

    def test_can_be_of_given_events(self, client: Client) -> None:
        first, second, third = (event.pk for event in EventFactory.create_batch(3))
        unknown = 2**63 - 1

        assert ids_of(client.get(f"{EVENTS}?id={third}&id={first}&id={third}")) == [first, third]
        assert ids_of(client.get(f"{EVENTS}?id={unknown}&id={10**30}")) == []
        assert ids_of(client.get(EVENTS)) == [first, second, third]

    def test_has_pages(self, client: Client) -> None:
        first, second, third = (event.pk for event in EventFactory.create_batch(3))
        query = f"{EVENTS}?id={first}&id={second}&id={third}&limit=2"

        page = client.get(query)

        assert ids_of(page) == [first, second]
        following = page["Link"].partition("<")[2].partition(">")[0]
        assert ids_of(client.get(following)) == [third]

    @pytest.mark.parametrize("text", ["", "0", "-1", "abc", "1.0", "1,2", "%D9%A5", "%00", "%FF"])
    def test_refuses_what_is_no_id(self, client: Client, text: str) -> None:
        response = client.get(f"{EVENTS}?id=1&id={text}")

        assert (response.status_code, response.json()["code"]) == (400, "invalid_event_id")

    def test_takes_a_hundred_ids_and_no_more(self, client: Client) -> None:
        ids = [f"id={number}" for number in range(1, 102)]

        assert client.get(f"{EVENTS}?{'&'.join(ids[:100])}").status_code == 200
        refused = client.get(f"{EVENTS}?{'&'.join(ids)}")

        assert (refused.status_code, refused.json()["code"]) == (400, "too_many_ids")
        assert refused.json()["message"] == "id may be given at most 100 times"

    def test_costs_one_query(self, client: Client) -> None:
        EventFactory.create_batch(20)

        with CaptureQueriesContext(connection) as queries:
            assert len(client.get(EVENTS).json()) == 20

        [query] = queries
        assert "description" not in query["sql"]


class TestUpcoming:
    def test_are_those_that_can_be_booked_now_or_later_in_the_order_in_which_they_take_place(
        self,
    ) -> None:
        day = timedelta(days=1)
        unknown = EventFactory(not_started=True)
        later = EventFactory(starts_at=now() + 2 * day)
        sooner = EventFactory(starts_at=now() + day, not_started=True)
        open_now = EventFactory()
        EventFactory(over=True)
        EventFactory(cancelled_at=now())

        found = list(upcoming_events(now=now()))

        assert found == [sooner, later, open_now, unknown]
        assert found[0].get_deferred_fields() == {"description"}

    @pytest.mark.parametrize("search", ["workshop", "HALL", "ห้อง", "100%"])
    def test_are_found_by_a_part_of_their_name_or_venue(self, search: str) -> None:
        wanted = EventFactory(name="Go Workshop", venue="ห้อง 100% Hall")
        EventFactory(name="Concert", venue=None)

        assert list(upcoming_events(now=now(), search=search)) == [wanted]
        assert not upcoming_events(now=now(), search="_")

    @on_one_server
    def test_are_found_through_an_index(self) -> None:
        EventFactory.create_batch(300, over=True)
        EventFactory.create_batch(5)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE bookings_event")

        with CaptureQueriesContext(connection) as queries:
            assert len(upcoming_events(now=now())) == 5

        assert rows_read(queries[0]["sql"]) == 5


class TestOne:
    def test_has_everything(self) -> None:
        event = EventFactory(description="Two days")

        with CaptureQueriesContext(connection) as queries:
            assert event_get(event_id=event.pk).description == "Two days"
        assert len(queries) == 1

    def test_that_nobody_has_is_not_found(self) -> None:
        with pytest.raises(EventNotFound):
            event_get(event_id=1)


def book(event: Event) -> None:
    decided(event.pk, [to_book(event.pk, "ann")])


def refuse(event: Event) -> None:
    Client().post(
        f"{EVENTS}/{event.pk}/bookings", data={"user_id": "ann"}, content_type="application/json"
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", [book, refuse])
def test_decisions_read_nothing_that_only_describes_the_event(act: Callable[[Event], None]) -> None:
    event = EventFactory(description="x" * 10_000, max_seats=1)
    book(event)

    with CaptureQueriesContext(connection) as queries:
        act(event)

    statements = [query["sql"] for query in queries if "bookings_event" in query["sql"]]
    assert statements
    assert not [each for each in statements for name in DESCRIPTIVE if name in each]


def test_the_status_reads_nothing_that_only_describes_the_event() -> None:
    event = EventFactory(description="x" * 10_000)

    unread = event_load(event_id=event.pk).get_deferred_fields()
    assert unread == {*DESCRIPTIVE, "batches_cause"}


def test_a_process_from_before_the_upgrade_goes_on_inserting() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO bookings_event (id, name, max_seats, waitlist_limit, price,
                   booking_start_at, booking_end_at, created_at, updated_at, version,
                   confirmed_count, waitlisted_count, last_waitlist_order, honoured_seats,
                   honoured_waitlist)
               VALUES (1, 'old', 1, 0, 0, now(), now(), now(), now(), 1, 0, 0, 0, 0, 0)"""
        )

    values = list(Event.objects.values_list(*DESCRIPTIVE).get(pk=1))

    assert values == [None, None, None, None, "Asia/Bangkok", "THB"]
