"""How often a transaction goes to the database, and that this changes nothing about its outcome."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.transaction import TransactionManagementError
from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL

from booking_project.bookings.domain.errors import AlreadyBooked, FullyBooked
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.storage.locks import lock_event, lock_free_events_and_read
from booking_project.bookings.storage.sql import set_lock_timeout
from shared.db.arrays import array_literal
from shared.db.round_trips import Statement, execute_together, execute_with_commit
from tests.support.booking.commands import decided, decided_where_free, to_book, to_cancel
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.held_rows import (
    held,
    in_background,
    stranger,
    waiting_for_a_row,
)
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.outbox import stored
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

NAME = Statement("UPDATE bookings_event SET name = %s", ["New"])
BAD = Statement("UPDATE bookings_event SET confirmed_count = -1")


class Trips:
    count = 0


@contextmanager
def trips() -> Iterator[Trips]:
    """How many queries the driver has sent by the end of the block, according to libpq's trace."""
    connection.ensure_connection()
    counted = Trips()
    with tempfile.TemporaryFile("w+") as trace:
        connection.connection.pgconn.trace(trace.fileno())
        try:
            yield counted
        finally:
            connection.connection.pgconn.untrace()
        trace.seek(0)
        counted.count = sum("\tQuery\t" in line for line in trace)


def append(text: str) -> Statement:
    return Statement("UPDATE bookings_event SET name = name || %s", [text])


def status() -> TransactionStatus:
    return TransactionStatus(connection.connection.info.transaction_status)


def fails(work: Callable[[], object], error: type[Exception]) -> str | None:
    """Do the `work` in a transaction. Returns the SQLSTATE of its error."""
    with pytest.raises(error) as failure, transaction.atomic():
        work()
    return getattr(failure.value.__cause__, "sqlstate", None)


@pytest.fixture
def event() -> Event:
    created: Event = EventFactory(max_seats=2, waitlist_limit=3)
    return created


def test_booking_takes_three(event: Event, settings: Any) -> None:
    decided(event.pk, [to_book(event.pk, "warm-up")])

    with trips() as alone:
        decided(event.pk, [to_book(event.pk, "ann")])
    with trips() as together:
        decided(event.pk, [to_book(event.pk, user) for user in users(3)])
    with trips() as free:
        decided_where_free([to_book(event.pk, user) for user in ("bob", "cid")])

    # In a cluster, one more gives out the ids.
    expected = 4 if settings.DISTRIBUTED else 3
    assert (alone.count, together.count) == (expected, expected)
    assert free.count == 2  # both are refused, so there is nothing to write
    assert len(stored()) == 5


def test_cancelling_and_promoting_takes_three(event: Event) -> None:
    bookings = booked(event, users(5))

    with trips() as counted:
        decided(event.pk, [to_cancel(event.pk, booking.pk) for booking in bookings[:2]])

    assert counted.count == 3
    assert list(Booking.objects.values_list("status", flat=True)) == [
        *("cancelled", "cancelled", "confirmed", "confirmed", "waitlisted")
    ]


def test_a_transaction_that_only_reads_takes_two(event: Event) -> None:
    with trips() as counted, transaction.atomic():
        assert Event.objects.get().pk == event.pk

    assert counted.count == 2


def test_an_empty_transaction_takes_none(event: Event) -> None:
    with trips() as counted, transaction.atomic():
        pass

    assert counted.count == 0


def test_the_first_statement_is_in_the_transaction(event: Event) -> None:
    def change_and_fail() -> None:
        assert Event.objects.update(name="New") == 1
        assert status() == TransactionStatus.INTRANS
        raise ZeroDivisionError

    fails(change_and_fail, ZeroDivisionError)

    assert status() == TransactionStatus.IDLE
    assert Event.objects.get().name == event.name


def _read_in_chunks() -> None:
    list(Event.objects.select_for_update().iterator(chunk_size=1))


def _change_twice() -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE bookings_event SET name = %s", [("New",), ("Newer",)])


def _execute_composed() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL("UPDATE bookings_event SET name = 'New'"))


def _copy() -> None:
    with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1) TO STDOUT") as copy:
        list(copy)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(_read_in_chunks, marks=on_one_server),
        _change_twice,
        _execute_composed,
        _copy,
    ],
)
def test_every_kind_of_first_statement_is_in_the_transaction(
    event: Event, begin: Callable[[], None]
) -> None:
    def begin_and_fail() -> None:
        begin()
        assert status() == TransactionStatus.INTRANS
        raise ZeroDivisionError

    fails(begin_and_fail, ZeroDivisionError)

    assert status() == TransactionStatus.IDLE
    assert Event.objects.get().name == event.name


def test_a_connection_that_is_closed_in_a_transaction_comes_back_without_it(event: Event) -> None:
    def close_and_go_on() -> None:
        Event.objects.update(name="New")
        connection.close()
        Event.objects.get()

    fails(close_and_go_on, ProgrammingError)
    Event.objects.update(max_seats=3)

    assert status() == TransactionStatus.IDLE
    with stranger() as other:
        found = other.execute("SELECT name, max_seats FROM bookings_event").fetchone()
    assert found == (event.name, 3)


def test_autocommit_can_not_be_changed_in_a_transaction(event: Event) -> None:
    connection.set_autocommit(False)
    try:
        Event.objects.update(name="New")
        with pytest.raises(ProgrammingError):
            connection.set_autocommit(True)
    finally:
        connection.rollback()
        connection.set_autocommit(True)

    assert Event.objects.get().name == event.name


def test_a_first_statement_that_fails_leaves_a_failed_transaction(event: Event) -> None:
    def read_and_look() -> None:
        try:
            execute_together([Statement("SELECT nothing_like_that"), NAME])
        finally:
            assert status() == TransactionStatus.INERROR

    assert fails(read_and_look, ProgrammingError) == "42703"
    assert status() == TransactionStatus.IDLE
    assert Event.objects.get().name == event.name


def test_each_statement_has_its_rows(event: Event) -> None:
    found = execute_together(
        [Statement("SELECT %s::int, '%%'", [1]), NAME, Statement("SELECT 2 WHERE false"), NAME]
    )

    assert found == [[(1, "%")], [], [], []]


def test_the_one_that_fails_says_why_and_nothing_stays(event: Event) -> None:
    assert fails(lambda: execute_together([NAME, BAD, NAME]), IntegrityError) == "23514"
    assert Event.objects.get().name == event.name


def test_a_lock_that_comes_too_late_is_a_lock_timeout(event: Event) -> None:
    def book() -> None:
        set_lock_timeout(event_id=event.pk, milliseconds=50)
        decided(event.pk, [to_book(event.pk, "ann")])

    with held(event):
        assert fails(book, OperationalError) == "55P03"


def test_what_is_read_with_the_lock_is_read_after_it(event: Event) -> None:
    with stranger() as other:
        other.execute("SELECT FROM bookings_event WHERE id = %s FOR UPDATE", [event.pk])
        with in_background(lambda: decided(event.pk, [to_book(event.pk, "ann")])) as results:
            until(lambda: waiting_for_a_row(1), "one who waits for the row")
            other.execute(
                "INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)"
                " VALUES (%s, 'ann', 'confirmed', now(), now())",
                [event.pk],
            )
            other.execute("UPDATE bookings_event SET confirmed_count = 1 WHERE id = %s", [event.pk])
            other.commit()

    [[refusal]] = results  # type: ignore[misc]
    assert isinstance(refusal, AlreadyBooked)


def test_a_lock_outside_a_transaction_is_refused(event: Event) -> None:
    with pytest.raises(TransactionManagementError):
        lock_event(event_id=event.pk)
    with pytest.raises(TransactionManagementError):
        lock_free_events_and_read(event_ids=[event.pk], reads=[])


class TestWithTheCommit:
    def test_it_is_done_once_the_block_has_ended_and_before_the_hooks(self, event: Event) -> None:
        seen = []
        with trips() as counted, transaction.atomic():
            transaction.on_commit(lambda: seen.append(Event.objects.get().name))
            execute_with_commit(NAME)
            assert Event.objects.get().name == event.name

        assert seen == ["New"]
        assert counted.count == 3  # one for each of the two reads

    def test_it_can_be_all_there_is(self, event: Event) -> None:
        with trips() as counted, transaction.atomic():
            execute_with_commit(NAME)

        assert counted.count == 1
        assert Event.objects.get().name == "New"

    def test_if_it_fails_so_does_the_commit(self, event: Event) -> None:
        hooks = []

        def change() -> None:
            transaction.on_commit(lambda: hooks.append("called"))
            Event.objects.update(name="New")
            execute_with_commit(NAME)
            execute_with_commit(BAD)

        assert fails(change, IntegrityError) == "23514"
        assert (hooks, Event.objects.get().name) == ([], event.name)
        assert status() == TransactionStatus.IDLE

    def test_if_the_block_fails_it_is_forgotten(self, event: Event) -> None:
        def change() -> None:
            execute_with_commit(NAME)
            raise ZeroDivisionError

        fails(change, ZeroDivisionError)
        with transaction.atomic():
            Event.objects.update(max_seats=3)

        assert Event.objects.get().name == event.name

    def test_if_the_connection_is_lost_it_is_forgotten(self, event: Event) -> None:
        def change() -> None:
            Event.objects.update(max_seats=3)
            execute_with_commit(NAME)
            execute_together([Statement("SELECT pg_terminate_backend(pg_backend_pid())")])

        fails(change, OperationalError)
        connection.close()
        with transaction.atomic():
            Event.objects.update(max_seats=4)

        assert Event.objects.get().name == event.name

    def test_a_block_that_may_be_rolled_back_alone_takes_it_along(self, event: Event) -> None:
        def change() -> None:
            execute_with_commit(NAME)
            assert Event.objects.get().name == "New"
            raise ZeroDivisionError

        with transaction.atomic():
            fails(change, ZeroDivisionError)

        assert Event.objects.get().name == event.name

    def test_the_order_is_kept_when_an_inner_block_follows(self, event: Event) -> None:
        with transaction.atomic():
            execute_with_commit(NAME)
            with transaction.atomic():
                execute_with_commit(append("er"))
                with transaction.atomic(savepoint=False):
                    execute_with_commit(append(" still"))
            execute_with_commit(append("!"))

        assert Event.objects.get().name == "Newer still!"

    def test_an_inner_block_that_fails_does_not_take_it_along(self, event: Event) -> None:
        def change() -> None:
            execute_with_commit(append("er"))
            raise ZeroDivisionError

        with transaction.atomic():
            execute_with_commit(NAME)
            fails(change, ZeroDivisionError)

        assert Event.objects.get().name == "New"

    def test_outside_a_transaction_it_is_done_at_once(self, event: Event) -> None:
        execute_with_commit(NAME)

        assert Event.objects.get().name == "New"


def test_refusals_are_not_written(event: Event) -> None:
    booked(event, users(5))

    with trips() as counted:
        [refused] = decided(event.pk, [to_book(event.pk, "ann")])

    assert isinstance(refused, FullyBooked)
    assert counted.count == 2


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(st.none() | TEXTS))
def test_text_arrays_arrive_as_they_are(texts: list[str | None]) -> None:
    assert _arrived(texts, "text[]") == texts


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_number_arrays_arrive_as_they_are(numbers: list[int | None]) -> None:
    assert _arrived(numbers, "bigint[]") == numbers


BANGKOK = timezone(timedelta(hours=7))
FIRST = datetime(1000, 1, 1)  # noqa: DTZ001 (the strategy adds a zone)


@given(st.lists(st.datetimes(FIRST, timezones=st.sampled_from([UTC, BANGKOK]))))
def test_time_arrays_arrive_as_they_are(times: list[datetime]) -> None:
    assert _arrived(times, "timestamptz[]") == times


def _arrived(values: list[object], type_name: str) -> object:
    [[(array,)]] = execute_together(
        [Statement(f"SELECT %s::{type_name}", [array_literal(values)])]  # type: ignore[arg-type]
    )
    return array
