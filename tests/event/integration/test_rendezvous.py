"""The meeting point of race tests: even on a slow machine it shows which threads can meet."""

import time
from collections.abc import Callable

import pytest
from django.db import transaction

from event_project.events.models import Event
from tests.support.concurrency import Rendezvous, at_once, leave_out_the_lock
from tests.support.event.factories import EventFactory, rows

pytestmark = pytest.mark.django_db(transaction=True)

LATE_SECONDS = 1.0


def change(event: Event, *, late: bool = False) -> Callable[[], None]:
    def call() -> None:
        if late:
            time.sleep(LATE_SECONDS)
        with transaction.atomic():
            Event.objects.select_for_update().get(pk=event.pk)
            rows().filter(pk=event.pk).update(max_seats=7)

    return call


def test_a_late_thread_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    event = EventFactory.create()
    leave_out_the_lock(monkeypatch)
    meeting = Rendezvous(2)

    at_once(
        [change(event), change(event, late=True)],
        around=meeting.before_writing,
    )

    assert meeting.all_met


def test_a_late_thread_does_not_meet_the_first_at_a_locked_row() -> None:
    event = EventFactory.create()
    meeting = Rendezvous(2)

    outcomes = at_once(
        [change(event), change(event, late=True)],
        around=meeting.before_writing,
    )

    assert outcomes == [None, None]
    assert not meeting.all_met


def test_a_thread_that_ends_without_writing_is_not_waited_for() -> None:
    event = EventFactory.create()
    meeting = Rendezvous(2)

    outcomes = at_once(
        [change(event), lambda: None],
        around=meeting.before_writing,
    )

    assert outcomes == [None, None]
    assert not meeting.all_met
