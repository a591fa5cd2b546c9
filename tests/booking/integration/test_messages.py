"""Each change of a booking stores a message in its own transaction."""

import re
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.domain.commands import Command
from booking_project.bookings.models import Booking
from booking_project.bookings.services import bookings
from booking_project.bookings.services.events import event_sync
from shared.messaging.topology import BOOKINGS_EXCHANGE
from shared.observability.request_id import bound, request_id
from tests.support.booking.commands import decided, decided_where_free, to_book, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked, now, users
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.outbox import bodies, forget_what_was_told, told
from tests.support.outbox import stored

pytestmark = pytest.mark.django_db

RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_message_has_the_state_of_the_booking_at_that_time() -> None:
    event = EventFactory(name="Golang Workshop", max_seats=1)
    seated, waiting = booked(event, ["ann", "ben"])

    [of_ann], [of_ben] = bodies(seated.pk), bodies(waiting.pk)

    assert of_ann == {
        "id": seated.pk,
        "event_id": event.pk,
        "event_name": "Golang Workshop",
        "user_id": "ann",
        "status": "confirmed",
        "created_at": of_ann["created_at"],
        "updated_at": of_ann["updated_at"],
        "cause": "booked",
    }
    assert (of_ben["status"], of_ben["waitlist_order"]) == ("waitlisted", 1)


def test_times_are_in_utc_with_a_z_and_those_of_the_row() -> None:
    event = EventFactory(max_seats=1)
    seated, waiting = booked(event, ["ann", "ben"])
    decided(event.pk, [to_cancel(event.pk, seated.pk)])

    for booking in (seated, waiting):
        booking.refresh_from_db()
        last = bodies(booking.pk)[-1]
        for name in ("created_at", "updated_at"):
            assert RFC_3339_UTC.fullmatch(last[name])
            assert datetime.fromisoformat(last[name]) == getattr(booking, name)


def test_a_message_goes_to_the_bookings_exchange_and_is_kept_in_order_per_booking() -> None:
    [booking] = booked(EventFactory(), ["ann"])

    [row] = stored()

    assert row.exchange == BOOKINGS_EXCHANGE
    assert row.ordering_key == f"booking-{booking.pk}"
    assert row.published_at is None


def test_each_booking_of_a_group_is_announced_once_in_the_order_of_the_changes() -> None:
    event = EventFactory(max_seats=1, waitlist_limit=3)
    first, second, _ = booked(event, ["ann", "ben", "cat"])
    forget_what_was_told()

    decided(
        event.pk,
        [
            to_book(event.pk, "dan"),
            to_cancel(event.pk, first.pk),
            to_cancel(event.pk, second.pk),
            to_book(event.pk, "ann"),
            to_book(event.pk, "cat"),
        ],
    )

    assert told() == [
        ("booking.waitlisted", "dan", "booked"),
        ("booking.cancelled", "ann", "cancelled_by_user"),
        ("booking.cancelled", "ben", "cancelled_by_user"),
        ("booking.promoted", "cat", "seat_freed"),
        ("booking.waitlisted", "ann", "booked"),
    ]
    assert [body["status"] for body in bodies(second.pk)] == ["cancelled"]


def test_a_booking_that_moves_up_in_its_group_is_announced_as_it_was_answered() -> None:
    event = EventFactory(max_seats=1, waitlist_limit=1)
    [seated] = booked(event, ["ann"])

    _, ben = decided(event.pk, [to_cancel(event.pk, seated.pk), to_book(event.pk, "ben")])
    cat, _ = decided(event.pk, [to_book(event.pk, "cat"), to_cancel(event.pk, ben.pk)])

    assert cat.status == "confirmed"
    assert told(event.pk)[-2:] == [
        ("booking.cancelled", "ben", "cancelled_by_user"),
        ("booking.confirmed", "cat", "booked"),
    ]
    [of_cat] = bodies(cat.pk)
    assert of_cat["status"] == "confirmed"
    assert "waitlist_order" not in of_cat


@on_one_server
def test_a_group_over_several_events_stores_its_messages_in_one_statement() -> None:
    one, other = EventFactory.create_batch(2, max_seats=1)
    requests = [to_book(event.pk, user) for event in (one, other) for user in users(3)]

    with CaptureQueriesContext(connection) as queries:
        decided_where_free(requests)

    stored = [query for query in queries if "INSERT INTO outbox" in query["sql"]]
    assert len(stored) == 1
    for event in (one, other):
        assert [key for key, *_ in told(event.pk)] == [
            "booking.confirmed",
            "booking.waitlisted",
            "booking.waitlisted",
        ]


def test_a_group_in_which_all_are_refused_announces_nothing() -> None:
    event = EventFactory(over=True)

    with CaptureQueriesContext(connection) as queries:
        decided(event.pk, [to_book(event.pk, "ann")])

    assert told() == []
    assert not [query for query in queries if "outbox" in query["sql"]]


def request_ids() -> list[tuple[str, str]]:
    """The request that each stored message names, by the message's key and user."""
    return [
        (f"{each.routing_key} {each.body['user_id']}", each.headers.get("x-request-id", ""))
        for each in stored()
    ]


def test_each_message_of_a_group_names_its_own_request() -> None:
    event = EventFactory(max_seats=1)
    [seated] = booked(event, ["ann"])
    forget_what_was_told()
    commands: list[Command] = []
    for number, make in enumerate(
        [
            lambda: to_book(event.pk, "ben"),
            lambda: to_book(event.pk, "cat"),
            lambda: to_cancel(event.pk, seated.pk),
        ]
    ):
        with bound(f"request-{number}"):
            commands.append(make())

    with bound("of-the-leader"):
        decided(event.pk, commands)
        assert request_id.get() == "of-the-leader"

    assert request_ids() == [
        ("booking.waitlisted cat", "request-1"),
        ("booking.cancelled ann", "request-2"),
        ("booking.confirmed ben", "request-0"),
    ]


def test_a_promotion_names_the_request_that_freed_the_seat() -> None:
    event = EventFactory(max_seats=1)
    seated, _ = booked(event, ["ann", "ben"])
    forget_what_was_told()

    with bound("gives-up"):
        cancel = to_cancel(event.pk, seated.pk)
    decided(event.pk, [cancel])

    assert request_ids() == [
        ("booking.cancelled ann", "gives-up"),
        ("booking.promoted ben", "gives-up"),
    ]


def test_promotions_by_a_raised_capacity_name_the_request_that_raised_it() -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann", "ben"])
    forget_what_was_told()

    with bound("raises"):
        event_sync(announced(event, max_seats=3))

    assert request_ids() == [("booking.promoted ben", "raises")]


def test_a_message_that_no_request_caused_names_none() -> None:
    event = EventFactory()

    decided(event.pk, [to_book(event.pk, "ann")])

    assert [each.headers for each in stored()] == [{}]


@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_is_not_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of the transaction fails; nothing of it is left, and no message either."""
    event = EventFactory()
    store = bookings.outbox_add

    def store_and_fail(messages: object, **options: object) -> None:
        store(messages, **options)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    monkeypatch.setattr(bookings, "outbox_add", store_and_fail)
    with pytest.raises(RuntimeError, match="power cut"):
        decided(event.pk, [to_book(event.pk, "ann")])

    assert (Booking.objects.count(), len(stored())) == (0, 0)


def test_promotions_name_the_raised_capacity_as_their_cause() -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann", "ben", "cat"])
    forget_what_was_told()

    event_sync(announced(event, max_seats=3))

    assert told() == [
        ("booking.promoted", "ben", "capacity_raised"),
        ("booking.promoted", "cat", "capacity_raised"),
    ]


def test_a_change_that_moves_nobody_announces_nothing() -> None:
    event = EventFactory()
    booked(event, ["ann"])
    forget_what_was_told()

    event_sync(announced(event, name="another name", booking_end_at=now()))

    assert told() == []


def test_a_message_has_the_name_of_the_event_at_that_time() -> None:
    event = EventFactory(max_seats=1)
    seated, waiting = booked(event, ["ann", "ben"])
    event_sync(announced(event, name="Moved to the big hall"))

    decided(event.pk, [to_cancel(event.pk, seated.pk)])

    assert bodies(waiting.pk)[-1]["event_name"] == "Moved to the big hall"
