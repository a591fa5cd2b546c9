"""News of many events applied together ends as if each had been applied by itself."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.handlers import handle_event_messages
from booking_project.bookings.models import Event
from booking_project.bookings.services.events import (
    EventNews,
    EventState,
    ImplausibleVersion,
    event_sync,
    events_sync,
)
from shared.formats.json import dump_json
from shared.messaging.errors import BadMessage, HandleAlone
from shared.messaging.incoming import IncomingMessage
from tests.support.booking.factories import (
    EventFactory,
    EventStateFactory,
    announced,
    booked,
    now,
    users,
)
from tests.support.booking.held_rows import held
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.outbox import told
from tests.support.booking.soundness import Tally, line, tally, unsound
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


def news_of(*states: EventState) -> list[EventNews]:
    return [EventNews(state=state) for state in states]


def apply_all(news: list[EventNews]) -> list[bool | str]:
    """As the handler and the consumer do it. Returns the outcomes, refusals as text."""
    outcomes = events_sync(news)
    for each in news:
        if each not in outcomes:
            try:
                outcomes[each] = event_sync(
                    each.state, republished=each.republished, forced=each.forced
                )
            except ImplausibleVersion as error:
                outcomes[each] = error
    return [_plain(outcomes[each]) for each in news]


def _plain(outcome: bool | ImplausibleVersion) -> bool | str:
    return outcome if isinstance(outcome, bool) else str(outcome)


def apply_one_by_one(news: list[EventNews]) -> list[bool | str]:
    outcomes: list[bool | str] = []
    for each in news:
        try:
            outcomes.append(
                event_sync(each.state, republished=each.republished, forced=each.forced)
            )
        except ImplausibleVersion as error:
            outcomes.append(str(error))
    return outcomes


def test_new_events_are_inserted_by_one_statement_after_one_read() -> None:
    states = [EventStateFactory(id=number) for number in (3, 1, 2)]
    with CaptureQueriesContext(connection) as queries:
        outcomes = apply_all(news_of(*states))

    assert outcomes == [True] * 3
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]
    assert Event.objects.count() == 3


def test_unchanged_events_cost_one_read() -> None:
    states = [EventStateFactory(id=number) for number in range(1, 30)]
    apply_all(news_of(*states))

    with CaptureQueriesContext(connection) as queries:
        assert set(apply_all(news_of(*states))) == {False}

    assert len(queries) == 1


@on_one_server
@pytest.mark.django_db(transaction=True)
def test_changed_events_are_written_by_one_statement_in_one_transaction() -> None:
    events = [EventFactory() for _ in range(20)]
    with CaptureQueriesContext(connection) as queries:
        outcomes = apply_all(news_of(*(announced(event, name="new") for event in events)))

    assert set(outcomes) == {True}
    verbs = [query["sql"].split()[0] for query in queries]
    assert verbs == ["SELECT", "BEGIN", "SELECT", "UPDATE", "COMMIT"]
    assert set(Event.objects.values_list("name", "version")) == {("new", 2)}


def test_several_versions_of_one_event_count_in_their_order() -> None:
    first = EventStateFactory()
    states = [replace(first, version=version) for version in (1, 3, 2, 3, 4)]

    assert apply_all(news_of(*states)) == [True, True, False, False, True]

    assert Event.objects.get().version == 4


def test_an_implausible_version_costs_only_its_own_message() -> None:
    good = EventStateFactory(id=1)
    poison = EventStateFactory(id=2, version=2_000_000)

    outcomes = apply_all(news_of(poison, good, replace(good, id=2)))

    assert outcomes == ["version 2000000 can't follow version 0", True, True]


def test_a_new_event_is_not_made_plausible_by_later_news() -> None:
    first = EventStateFactory()

    outcomes = apply_all(news_of(replace(first, version=1_000_001), first))

    assert outcomes == ["version 1000001 can't follow version 0", True]


def test_an_event_whose_waitlist_gets_seats_is_left_to_a_transaction_of_its_own() -> None:
    full, other = EventFactory(max_seats=1, waitlist_limit=5), EventFactory()
    booked(full, ["ann", "ben"])
    news = news_of(
        announced(full, max_seats=2), announced(other), announced(full, max_seats=3, version=3)
    )

    outcomes = events_sync(news)

    assert outcomes == {news[1]: True}
    full.refresh_from_db()
    assert full.version == 1
    assert apply_all(news) == [True, False, True]
    assert line(full.pk) == []
    assert unsound(full.pk) == []


def test_a_lowered_capacity_and_a_cancellation_are_applied_together() -> None:
    lowered, cancelled = EventFactory(max_seats=3), EventFactory(max_seats=1)
    booked(lowered, users(3))
    booked(cancelled, users(2))
    news = news_of(announced(lowered, max_seats=1), announced(cancelled, cancelled_at=now()))

    assert len(events_sync(news)) == 2

    assert tally(lowered.pk) == Tally(confirmed=3, waitlisted=0, cancelled=0)
    assert Event.objects.get(pk=cancelled.pk).cancellation_pending
    assert unsound(lowered.pk) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_transaction_holds_delays_no_other() -> None:
    busy, free = EventFactory(), EventFactory()
    news = news_of(announced(busy), announced(free))
    with held(busy):
        assert events_sync(news) == {news[1]: True}

    assert apply_all(news) == [True, False]


@pytest.mark.django_db(transaction=True)
def test_consumers_that_insert_the_same_events_in_any_order_all_succeed() -> None:
    states = [EventStateFactory(id=number) for number in range(1, 60)]

    def consume(seed: int) -> list[bool | str]:
        shuffled = random.Random(seed).sample(states, len(states))
        return apply_all(news_of(*shuffled))

    outcomes = at_once([lambda seed=seed: consume(seed) for seed in range(6)])

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sum(outcome.count(True) for outcome in outcomes) == len(states)  # type: ignore[union-attr]
    assert Event.objects.count() == len(states)


@pytest.mark.parametrize("seed", range(20))
def test_any_batch_ends_as_if_its_news_were_applied_one_by_one(seed: int) -> None:
    """Events 1 to 3 get theirs together, events 101 to 103 one by one. Two of each are booked."""
    dice = random.Random(seed)
    together: list[EventNews] = []
    for number in (1, 2):
        for event_id in (number, 100 + number):
            event = EventFactory(id=event_id, max_seats=2, waitlist_limit=6, name="a sale")
            booked(event, users(6))
    base = EventStateFactory(created_at=now() - timedelta(days=1), updated_at=now())
    for _ in range(25):
        republished = dice.random() < 0.2
        together.append(
            EventNews(
                state=replace(
                    base,
                    id=dice.choice((1, 2, 3)),
                    version=dice.choice((1, 2, 3, 4, 5, 6, 2_000_000)),
                    name=dice.choice(("a", "b")),
                    max_seats=dice.choice((1, 2, 3, 4, 8)),
                    waitlist_limit=dice.choice((0, 6)),
                    cancelled_at=dice.choice((None, None, None, base.created_at)),
                ),
                republished=republished,
                forced=republished and dice.random() < 0.5,
            )
        )
    alone = [replace(each, state=replace(each.state, id=100 + each.state.id)) for each in together]

    assert apply_all(together) == apply_one_by_one(alone)

    for event_id in (1, 2, 3):
        assert row(event_id) == row(100 + event_id)
        assert told(event_id) == told(100 + event_id)
        assert line(event_id) == line(100 + event_id)


def row(event_id: int) -> dict[str, object]:
    values = Event.objects.filter(pk=event_id).values().first() or {}
    return {name: value for name, value in values.items() if name not in ("id", "created_at")} | {
        "tally": tally(event_id)
    }


@pytest.mark.django_db(transaction=True)
class TestTheHandler:
    def message(self, body: bytes) -> IncomingMessage:
        return IncomingMessage(message_id="m", routing_key="event.updated", headers={}, body=body)

    def news(self, state: EventState) -> IncomingMessage:
        return self.message(dump_json(vars(state)))

    def test_names_each_failure_and_applies_the_rest(self) -> None:
        full = EventFactory(max_seats=1, waitlist_limit=5)
        booked(full, ["ann", "ben"])
        good = self.news(EventStateFactory(id=50))
        unreadable = self.message(b"{")
        poison = self.news(EventStateFactory(id=51, version=2_000_000))
        promoting = self.news(announced(full, max_seats=2))

        failures = handle_event_messages([unreadable, good, poison, promoting])

        kinds = {message: type(failure) for message, failure in failures.items()}
        assert kinds == {unreadable: BadMessage, poison: HandleAlone, promoting: HandleAlone}
        assert Event.objects.filter(pk=50).exists()

    def test_applies_alone_what_it_left_out(self) -> None:
        full = EventFactory(max_seats=1, waitlist_limit=5)
        booked(full, ["ann", "ben"])
        poison = self.news(EventStateFactory(id=51, version=2_000_000))

        assert handle_event_messages([self.news(announced(full, max_seats=2))]) == {}
        [failure] = handle_event_messages([poison]).values()

        assert isinstance(failure, BadMessage)
        assert line(full.pk) == []
