"""Which errors of the database mean "try again": real ones, as PostgreSQL raises them."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import Error, connection, transaction

from booking_project.bookings.models import Event
from booking_project.bookings.storage.sql import set_lock_timeout
from shared.db.errors import (
    DatabaseUnavailable,
    is_outage,
    is_timeout,
    is_unavailable,
    unavailable_as_one_error,
)
from tests.support.booking.factories import EventFactory

pytestmark = pytest.mark.django_db(transaction=True)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def lock_timeout() -> None:
    event = EventFactory()
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, password=_password()) as other:
        other.execute("SELECT FROM bookings_event WHERE id = %s FOR UPDATE", [event.pk])
        with transaction.atomic():
            set_lock_timeout(event_id=event.pk, milliseconds=100)
            Event.objects.select_for_update().get(pk=event.pk)


def _password() -> str:
    return str(connection.settings_dict["PASSWORD"])


def statement_timeout() -> None:
    with transaction.atomic():
        execute("SET LOCAL statement_timeout = '100ms'")
        execute("SELECT pg_sleep(30)")


def idle_timeout() -> None:
    with transaction.atomic():
        execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
        # The server ends the connection, and says so to whoever comes next.
        connection.connection.wait(_until_readable(), timeout=30)
        execute("SELECT 1")


def _until_readable():  # type: ignore[no-untyped-def]
    while not (yield psycopg.waiting.Wait.R):
        pass


def ended_by_an_operator() -> None:
    execute("SELECT pg_terminate_backend(pg_backend_pid())")


def ended_before() -> None:
    with pytest.raises(Error):
        ended_by_an_operator()
    execute("SELECT 1")


def demoted() -> None:
    with transaction.atomic():
        execute("SET TRANSACTION READ ONLY")
        execute("DELETE FROM bookings_event")


def statement_after_a_failed_one() -> None:
    with transaction.atomic():
        execute("SELECT 1")
        with pytest.raises(psycopg.Error):
            connection.connection.execute("SELECT 1 / 0")
        execute("SELECT 1")


def no_room() -> None:
    execute("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$")


def deadlock() -> None:
    execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")


def bug_of_the_server() -> None:
    execute("DO $$ BEGIN RAISE SQLSTATE 'XX000'; END $$")


def division_by_zero() -> None:
    execute("SELECT 1 / 0")


def no_such_table() -> None:
    execute("SELECT FROM nothing_is_called_so")


def not_unique() -> None:
    EventFactory(id=7)
    execute("INSERT INTO bookings_event SELECT * FROM bookings_event")


PASSING = [
    lock_timeout,
    statement_timeout,
    idle_timeout,
    ended_by_an_operator,
    ended_before,
    demoted,
    statement_after_a_failed_one,
    no_room,
    deadlock,
]
LASTING = [bug_of_the_server, division_by_zero, not_unique]


def raised_by(what: Callable[[], None]) -> Error:
    try:
        what()
    except Error as error:
        return error
    finally:
        connection.close()
    raise AssertionError(f"{what.__name__} raised nothing")


@pytest.mark.parametrize("what", PASSING)
def test_temporary_errors_are_worth_another_try(what: Callable[[], None]) -> None:
    error = raised_by(what)
    assert is_unavailable(error), repr(error.__cause__)
    with pytest.raises(DatabaseUnavailable), unavailable_as_one_error():
        raise error


@pytest.mark.parametrize("what", LASTING)
def test_lasting_errors_are_not_worth_another_try(what: Callable[[], None]) -> None:
    error = raised_by(what)
    assert not is_unavailable(error), repr(error.__cause__)
    with pytest.raises(type(error)), unavailable_as_one_error():
        raise error


def test_other_exceptions_are_not_database_errors() -> None:
    assert not is_unavailable(ValueError())
    assert not is_unavailable(None)


def test_a_missing_table_is_an_outage_for_workers_and_a_failure_of_the_request() -> None:
    error = raised_by(no_such_table)
    assert is_outage(error)
    assert not is_unavailable(error)


@pytest.mark.parametrize("what", [lock_timeout, statement_timeout])
def test_a_timeout_concerns_this_work_only(what: Callable[[], None]) -> None:
    error = raised_by(what)
    assert is_timeout(error)
    assert not is_outage(error)
