"""What is decided is counted, and stored second by second."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from booking_project.bookings.admission import Decision
from booking_project.bookings.models import Event
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import decide_event, decide_without_lock
from booking_project.bookings.services.events import event_sync
from booking_project.bookings.signals import Counts, decided, stopping
from booking_project.sales import recorder as recording
from booking_project.sales.models import OUTCOMES, Sale, SaleSecond
from booking_project.sales.recorder import Recorder
from booking_project.sales.services import sale_record, sale_seconds_prune
from shared.errors import DomainError
from tests.support.booking.commands import to_book, to_cancel
from tests.support.booking.factories import EventFactory, announced, booked, users
from tests.support.booking.held_rows import database_patience, held, in_background, stranger
from tests.support.waiting import never, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent() -> Iterator[list[Counts]]:
    """The counts of each signal."""
    counts_of: list[Counts] = []

    def receive(*, counts: Counts, **_: Any) -> None:
        counts_of.append(counts)

    decided.connect(receive)
    yield counts_of
    decided.disconnect(receive)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Writes when the test says so."""
    recorder = Recorder(sale_record)

    def receive(*, counts: Counts, **_: Any) -> None:
        recorder._take(counts)

    decided.connect(receive)
    yield recorder
    decided.disconnect(receive)


def refusals(decisions: list[Decision]) -> list[str]:
    return [each.result.code for each in decisions if isinstance(each.result, DomainError)]


def tally(event: Event) -> dict[str, int]:
    """What is not 0."""
    sale = Sale.objects.get(pk=event.pk)
    return {name: count for name in OUTCOMES if (count := getattr(sale, name))}


class TestSignal:
    def test_a_batch_sends_one_after_its_commit(self, sent: list[Counts]) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=1)

        with transaction.atomic():
            decide_event(event.pk, [to_book(event.pk, user) for user in [*users(4), "user-001"]])
            assert sent == []

        assert sent == [
            {event.pk: {"confirmed": 2, "waitlisted": 1, "fully_booked": 1, "already_booked": 1}}
        ]

    def test_a_batch_that_fails_sends_none(self, sent: list[Counts]) -> None:
        event = EventFactory()

        with transaction.atomic():
            decide_event(event.pk, [to_book(event.pk, "ann")])
            transaction.set_rollback(True)

        assert sent == []

    def test_a_seat_that_is_given_up_promotes(self, sent: list[Counts]) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=5)
        first, *_ = booked(event, users(3))
        sent.clear()

        decide_event(event.pk, [to_cancel(event.pk, first.pk), to_cancel(event.pk, first.pk)])

        assert sent == [{event.pk: {"cancelled": 1, "promoted": 1, "already_cancelled": 1}}]

    def test_refusals_without_a_lock_send_one(self, sent: list[Counts]) -> None:
        event = EventFactory(over=True)

        refused = decide_without_lock([to_book(event.pk, user) for user in users(3)])

        assert refusals(refused) == ["booking_not_open"] * 3
        assert sent == [{event.pk: {"booking_not_open": 3}}]

    def test_nothing_decided_sends_none(self, sent: list[Counts]) -> None:
        event = EventFactory()

        decide_without_lock([to_book(event.pk, "ann")])
        event_sync(announced(event, name="New"))

        assert sent == []

    def test_a_raised_capacity_sends_its_promotions(self, sent: list[Counts]) -> None:
        event = EventFactory(max_seats=1, waitlist_limit=5)
        booked(event, users(4))
        sent.clear()

        event_sync(announced(event, max_seats=3))

        assert sent == [{event.pk: {"promoted": 2}}]

    def test_a_cancelled_event_sends_its_cancellations(self, sent: list[Counts]) -> None:
        event = EventFactory()
        booked(event, users(4))
        sent.clear()

        event_sync(announced(event, cancelled_at=datetime.now(UTC)))
        do_next_batch()

        assert sent == [{event.pk: {"cancelled": 4}}]

    def test_a_receiver_that_fails_fails_no_booking(
        self, sent: list[Counts], caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(**_: Any) -> None:
            raise ZeroDivisionError

        event = EventFactory()
        decided.connect(fail)
        try:
            booked(event, ["ann"])
        finally:
            decided.disconnect(fail)

        assert "ZeroDivisionError" in caplog.text
        assert len(sent) == 1


class TestRecorder:
    def test_counts_add_up_over_processes_and_totals_are_the_events(
        self, recorder: Recorder
    ) -> None:
        event = EventFactory(max_seats=2, waitlist_limit=2)
        other = Recorder(sale_record)

        booked(event, users(3))
        recorder.flush()
        other._take({event.pk: {"fully_booked": 5, "confirmed": 1}})
        other.flush()

        assert tally(event) == {"confirmed": 3, "waitlisted": 1, "fully_booked": 5}
        last = SaleSecond.objects.filter(event_id=event.pk).latest("at")
        assert (last.max_seats, last.seats_taken, last.waiting) == (2, 2, 1)
        assert (last.confirmed, last.fully_booked) == (3, 5)

    def test_processes_at_the_same_moment_lose_nothing(self) -> None:
        events = [EventFactory() for _ in range(5)]
        recorders = [Recorder(sale_record) for _ in range(4)]

        def write(recorder: Recorder, turns: list[Event]) -> None:
            for _ in range(20):
                recorder._take({event.pk: {"confirmed": 1} for event in turns})
                recorder.flush()
            connection.close()

        # Half of them name the events in the other order, which must not end in a deadlock.
        threads = [
            threading.Thread(target=write, args=[each, events[:: 1 if number % 2 else -1]])
            for number, each in enumerate(recorders)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [tally(event) for event in events] == [{"confirmed": 80}] * 5
        seconds = SaleSecond.objects.filter(event_id=events[0].pk).order_by("at")
        counts = list(seconds.values_list("confirmed", flat=True))
        assert counts == sorted(counts)
        assert counts[-1] == 80

    def test_an_unknown_refusal_and_an_unknown_event_do_no_harm(self) -> None:
        event = EventFactory()
        recorder = Recorder(sale_record)

        recorder._take({event.pk: {"a_new_code": 2}, 2**62: {"event_not_found": 1}})
        recorder.flush()

        assert tally(event) == {"refused_otherwise": 2}
        assert Sale.objects.count() == 1

    def test_the_thread_writes_what_comes_and_what_comes_later(self) -> None:
        event = EventFactory()
        written: list[Counts] = []
        recorder = Recorder(written.append)

        recorder.add({event.pk: {"confirmed": 1}})
        until(lambda: len(written) == 1, "the first write")
        never(lambda: len(written) > 1, "write of nothing")
        recorder.add({event.pk: {"confirmed": 2}})
        until(lambda: len(written) == 2, "the second write")

        assert written == [{event.pk: {"confirmed": 1}}, {event.pk: {"confirmed": 2}}]

    def test_it_waits_for_no_row_that_a_booking_holds(self) -> None:
        event = EventFactory()
        recorder = Recorder(sale_record)
        recorder._take({event.pk: {"confirmed": 1}})

        with held(event):
            recorder.flush()
            assert tally(event) == {"confirmed": 1}

    def test_bookings_do_not_wait_for_it(self, recorder: Recorder) -> None:
        event = EventFactory()
        booked(event, ["ann"])
        recorder.flush()

        with stranger() as other:
            for table in ("sales_sale", "sales_salesecond"):
                other.execute(f"SELECT FROM {table} WHERE event_id = {event.pk} FOR UPDATE")
            with in_background(recorder.flush):
                booked(event, ["bob"])
                other.rollback()

    def test_without_a_database_counts_are_dropped_with_a_line(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = EventFactory()
        recorder = Recorder(sale_record)
        recorder._take({event.pk: {"confirmed": 1, "fully_booked": 2}})
        connection.close()
        connection.close_pool()

        with monkeypatch.context() as away:
            away.setitem(connection.settings_dict, "PORT", "9")
            away.setitem(
                connection.settings_dict["OPTIONS"],
                "pool",
                {**connection.settings_dict["OPTIONS"]["pool"], "timeout": 0.1},
            )
            recorder.flush()
            connection.close()
            connection.close_pool()

        assert "did not record 3 outcomes of 1 events" in caplog.text
        assert not Sale.objects.exists()
        recorder._take({event.pk: {"confirmed": 1}})
        recorder.flush()
        assert tally(event) == {"confirmed": 1}

    def test_a_write_that_waits_too_long_is_dropped_with_a_line(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        event = EventFactory()
        sale_record({event.pk: {"confirmed": 1}})
        recorder = Recorder(sale_record)
        recorder._take({event.pk: {"confirmed": 1}})

        with stranger() as other, database_patience(lock_seconds=0.2):
            other.execute("SELECT FROM sales_sale WHERE event_id = %s FOR UPDATE", [event.pk])
            recorder.flush()

        assert "did not record 1 outcomes of 1 events" in caplog.text
        assert tally(event) == {"confirmed": 1}

    def test_too_many_events_are_dropped_with_a_line(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recording, "MAX_EVENTS", 2)
        written: list[Counts] = []
        recorder = Recorder(written.append)

        recorder._take({number: {"confirmed": 1} for number in range(1, 5)})
        recorder._take({1: {"confirmed": 1}, 9: {"confirmed": 1}})
        recorder.flush()

        assert written == [{1: {"confirmed": 2}, 2: {"confirmed": 1}}]
        assert "did not record 3 outcomes" in caplog.text

    def test_ten_thousand_events_are_one_write(self) -> None:
        Event.objects.bulk_create(EventFactory.build_batch(10_000))
        ids = list(Event.objects.values_list("pk", flat=True))
        recorder = Recorder(sale_record)

        recorder._take({event_id: {"confirmed": 1} for event_id in ids})
        recorder.flush()

        assert Sale.objects.filter(confirmed=1).count() == 10_000
        assert SaleSecond.objects.count() == 10_000

    def test_a_forked_process_counts_on_its_own(self) -> None:
        event = EventFactory()
        recording.record(counts={event.pk: {"confirmed": 1}})
        parents = recording._recorder()
        reading, writing = os.pipe()

        child = os.fork()
        if child == 0:
            is_new = recording._recorder() is not parents and not recording._recorder()._counts
            os.write(writing, b"new" if is_new else b"old")
            os._exit(0)
        os.waitpid(child, 0)

        assert os.read(reading, 10) == b"new"
        recording.stop()
        assert tally(event) == {"confirmed": 1}
        recording._recorder.cache_clear()

    def test_a_process_that_stops_writes_what_it_has(self) -> None:
        event = EventFactory()
        recording.record(counts={event.pk: {"confirmed": 1}})

        stopping.send(sender=None)

        assert tally(event) == {"confirmed": 1}
        recording._recorder.cache_clear()


def test_old_seconds_are_pruned_and_the_tally_stays() -> None:
    event = EventFactory()
    sale_record({event.pk: {"confirmed": 1}})
    [recent] = SaleSecond.objects.all()
    figures = {"max_seats": 1, "seats_taken": 1, "waiting": 0}
    for days in (1, 2):
        at = recent.at - settings.SALES_RETENTION - timedelta(days=days)
        SaleSecond.objects.create(event_id=event.pk, at=at, **figures)

    assert sale_seconds_prune() == 2

    assert [each.at for each in SaleSecond.objects.all()] == [recent.at]
    assert tally(event) == {"confirmed": 1}
    assert "booking_project.sales.services.sale_seconds_prune" in settings.HOUSEKEEPING
