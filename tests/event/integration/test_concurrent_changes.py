"""Concurrent changes of one event: none is lost, and none is counted twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from event_project.events.models import Event
from event_project.events.services import event_update
from tests.support.broker import Broker
from tests.support.concurrency import Rendezvous, at_once, leave_out_the_lock
from tests.support.event.factories import EventFactory
from tests.support.event.http import cancel, patch
from tests.support.event.messages import announced
from tests.support.outbox import forget_all, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

RIVALS = 8


@pytest.fixture
def event(broker: Broker) -> Event:
    created: Event = EventFactory.create()
    broker.wait_for_message()
    forget_all()
    return created


def patches(event: Event, **headers: str) -> list[Callable[[], Any]]:
    def call(number: int) -> Callable[[], Any]:
        return lambda: patch(Client(), event.pk, {"max_seats": 100 + number}, headers=headers)

    return [call(number) for number in range(RIVALS)]


def versions_of(answers: list[Any]) -> list[int]:
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return sorted(answer.json()["version"] for answer in answers)


def test_concurrent_changes_get_a_version_and_a_message_each(event: Event) -> None:
    meeting = Rendezvous(RIVALS)

    answers = at_once(patches(event), around=meeting.before_writing)

    assert versions_of(answers) == list(range(2, RIVALS + 2))
    assert announced() == [("event.updated", event.pk, version) for version in range(2, RIVALS + 2)]
    last = max((answer.json() for answer in answers), key=lambda body: body["version"])
    rows = stored()
    assert {row.body["version"]: row.body for row in rows} == {
        answer.json()["version"]: answer.json() for answer in answers
    }
    assert Event.objects.get().max_seats == last["max_seats"]


def test_control_without_the_lock_versions_are_given_twice(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out_the_lock(monkeypatch)
    meeting = Rendezvous(RIVALS)

    answers = at_once(patches(event), around=meeting.before_writing)

    assert meeting.all_met
    assert len(set(versions_of(answers))) < RIVALS


def test_only_one_of_several_changes_to_the_same_version_succeeds(
    event: Event,
) -> None:
    meeting = Rendezvous(RIVALS)

    answers: list[Any] = at_once(
        patches(event, **{"if-match": '"1"'}), around=meeting.before_writing
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (RIVALS - 1)
    (won,) = [json.loads(answer.content) for answer in answers if answer.status_code == 200]
    assert (Event.objects.get().version, Event.objects.get().max_seats) == (2, won["max_seats"])
    assert announced() == [("event.updated", event.pk, 2)]


def test_control_without_the_lock_several_change_the_same_version(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out_the_lock(monkeypatch)
    meeting = Rendezvous(RIVALS)

    answers: list[Any] = at_once(
        patches(event, **{"if-match": '"1"'}), around=meeting.before_writing
    )

    assert meeting.all_met
    assert [answer.status_code for answer in answers] == [200] * RIVALS


def test_concurrent_cancellations_count_once(event: Event) -> None:
    meeting = Rendezvous(RIVALS)
    calls = [lambda: cancel(Client(), event.pk)] * RIVALS

    answers = at_once(calls, around=meeting.before_writing)

    assert versions_of(answers) == [2] * RIVALS
    assert len({answer.json()["cancelled_at"] for answer in answers}) == 1  # type: ignore[union-attr]
    assert announced() == [("event.cancelled", event.pk, 2)]


def test_saves_of_stale_instances_and_updates_count_each_change(event: Event) -> None:
    stale = [Event.objects.get(pk=event.pk) for _ in range(4)]
    calls: list[Callable[[], object]] = [
        *(instance.save for instance in stale),
        *(
            lambda seats=seats: event_update(event_id=event.pk, changes={"max_seats": seats})
            for seats in range(101, 105)
        ),
    ]
    meeting = Rendezvous(len(calls))

    results = at_once(calls, around=meeting.before_writing)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Event.objects.get(pk=event.pk).version == 9
    told = [version for _, event_id, version in announced() if event_id == event.pk]
    assert told == list(range(2, 10)), "in the order of the changes"
    assert sorted(instance.version for instance in stale) == sorted(
        {instance.version for instance in stale}
    )
