"""Whatever way of the ORM writes an event: it gets its next version and is announced in full."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, IntegrityError, models, transaction
from django.db.models import F
from django.utils import timezone

from event_project.events.messages import event_message
from event_project.events.models import Event
from shared.outbox.models import OutboxMessage
from tests.event.factories import EventFactory
from tests.event.messages import announced, forget, last_body

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def event() -> Event:
    created: Event = EventFactory.create(name="As created", max_seats=10)
    forget()
    return created


@pytest.fixture
def three() -> list[Event]:
    created: list[Event] = EventFactory.create_batch(3, max_seats=10)
    forget()
    return created


def new(**changes: Any) -> Event:
    built: Event = EventFactory.build(**changes)
    return built


def values(**changes: Any) -> dict[str, Any]:
    names = ("name", "max_seats", "booking_start_at", "booking_end_at")
    return {**{name: getattr(new(), name) for name in names}, **changes}


def awaited(call: Callable[[], Awaitable[Any]]) -> Any:
    async def wait() -> Any:
        return await call()

    return async_to_sync(wait)()


def assert_created(event: Event) -> None:
    """Stored as version 1, and announced as it is stored."""
    stored = Event.objects.get(pk=event.pk)
    assert (event.version, stored.version) == (1, 1)
    assert event.created_at == event.updated_at == stored.created_at == stored.updated_at
    assert announced() == [("event.created", event.pk, 1)]
    assert last_body() == event_message(stored)


def assert_changed(event: Event, *, key: str = "event.updated", version: int = 2) -> Event:
    """Stored as this version, and announced as it is stored. Returns what is stored."""
    stored = Event.objects.get(pk=event.pk)
    assert stored.version == version
    assert stored.created_at < stored.updated_at
    assert announced() == [(key, event.pk, version)]
    assert last_body() == event_message(stored)
    return stored


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(lambda: Event.objects.create(**values()), id="create"),
        pytest.param(lambda: awaited(lambda: Event.objects.acreate(**values())), id="acreate"),
        pytest.param(lambda: saved(Event(**values())), id="save"),
        pytest.param(lambda: saved(Event(**values(), version=9)), id="save with a version"),
        pytest.param(lambda: saved(Event(**values(), pk=10**9)), id="save with an id"),
        pytest.param(lambda: Event.objects.get_or_create(**values())[0], id="get_or_create"),
        pytest.param(
            lambda: awaited(lambda: Event.objects.aget_or_create(**values()))[0],
            id="aget_or_create",
        ),
        pytest.param(
            lambda: Event.objects.update_or_create(defaults=values(), name="a")[0],
            id="update_or_create",
        ),
        pytest.param(
            lambda: awaited(lambda: Event.objects.aupdate_or_create(defaults=values(), name="a"))[
                0
            ],
            id="aupdate_or_create",
        ),
        pytest.param(lambda: Event.objects.bulk_create([new(version=9)])[0], id="bulk_create"),
        pytest.param(
            lambda: awaited(lambda: Event.objects.abulk_create([new()]))[0], id="abulk_create"
        ),
        pytest.param(lambda: Event._base_manager.create(**values()), id="base manager"),
    ],
)
def test_every_way_to_create_announces_version_1(create: Callable[[], Event]) -> None:
    assert_created(create())


def saved(event: Event, **options: Any) -> Event:
    event.save(**options)
    return event


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda event: event.save(), id="save"),
        pytest.param(lambda event: event.save(force_update=True), id="forced update"),
        pytest.param(lambda event: event.save(update_fields=["max_seats"]), id="update_fields"),
        pytest.param(lambda event: event.save(update_fields=iter(["max_seats"])), id="an iterator"),
        pytest.param(lambda event: awaited(lambda: event.asave()), id="asave"),
        pytest.param(
            lambda event: Event.objects.update_or_create(
                pk=event.pk, defaults={"max_seats": event.max_seats}
            ),
            id="update_or_create",
        ),
        pytest.param(
            lambda event: awaited(
                lambda: Event.objects.aupdate_or_create(
                    pk=event.pk, defaults={"max_seats": event.max_seats}
                )
            ),
            id="aupdate_or_create",
        ),
        pytest.param(
            lambda event: Event.objects.filter(pk=event.pk).update(max_seats=event.max_seats),
            id="update",
        ),
        pytest.param(
            lambda event: awaited(
                lambda: Event.objects.filter(pk=event.pk).aupdate(max_seats=event.max_seats)
            ),
            id="aupdate",
        ),
        pytest.param(
            lambda event: Event._base_manager.filter(pk=event.pk).update(max_seats=event.max_seats),
            id="base manager",
        ),
        pytest.param(
            lambda event: Event.objects.bulk_update([event], ["max_seats"]), id="bulk_update"
        ),
        pytest.param(
            lambda event: awaited(lambda: Event.objects.abulk_update([event], ["max_seats"])),
            id="abulk_update",
        ),
    ],
)
def test_every_way_to_change_announces_the_next_version(
    event: Event, change: Callable[[Event], object]
) -> None:
    event.max_seats = 11

    change(event)

    assert assert_changed(event).max_seats == 11


def test_a_found_event_is_not_changed(event: Event) -> None:
    Event.objects.get_or_create(name="As created", defaults=values())

    assert announced() == []


def test_a_saved_instance_knows_its_new_version_and_time(event: Event) -> None:
    created_at, updated_at = event.created_at, event.updated_at

    event.save()

    stored = Event.objects.get()
    assert (event.version, stored.version) == (2, 2)
    assert event.updated_at == stored.updated_at
    assert event.updated_at > updated_at
    assert stored.created_at == created_at


def test_two_stale_instances_saved_after_each_other_are_two_changes(event: Event) -> None:
    one, other = Event.objects.get(), Event.objects.get()
    one.name, other.max_seats = "Renamed", 11

    one.save(update_fields=["name"])
    other.save(update_fields=["max_seats"])

    assert (one.version, other.version) == (2, 3)
    assert announced() == [("event.updated", event.pk, 2), ("event.updated", event.pk, 3)]
    body = last_body()
    assert (body["name"], body["max_seats"]) == ("Renamed", 11), "not the stale name"


def test_a_message_holds_what_is_stored_and_not_what_the_instance_holds(event: Event) -> None:
    event.name = "Never stored"
    event.price = "12.5"  # type: ignore[assignment]
    event.max_seats = F("max_seats") + 5

    event.save(update_fields=["price", "max_seats"])

    stored = assert_changed(event)
    assert (stored.name, stored.price, stored.max_seats) == ("As created", Decimal("12.5"), 15)


def test_an_instance_loaded_in_part_is_announced_in_full(event: Event) -> None:
    partial = Event.objects.only("name").get()
    partial.name = "Renamed"

    partial.save()

    assert assert_changed(event).name == "Renamed"


def test_a_save_of_no_fields_is_no_change(event: Event) -> None:
    event.save(update_fields=[])

    assert (event.version, Event.objects.get().version) == (1, 1)
    assert announced() == []


def test_a_save_that_must_change_a_row_that_is_not_there_fails(event: Event) -> None:
    missing = new(pk=event.pk + 1)

    for options in ({"force_update": True}, {"update_fields": ["name"]}):
        with pytest.raises(DatabaseError), transaction.atomic():
            missing.save(**options)  # type: ignore[arg-type]

    assert announced() == []


def test_an_update_changes_and_announces_each_row_in_the_order_of_ids(three: list[Event]) -> None:
    ids = [event.pk for event in three]

    count = Event.objects.order_by("-pk").filter(max_seats=10).update(max_seats=F("max_seats") + 1)

    assert count == 3
    assert announced() == [("event.updated", event_id, 2) for event_id in ids]
    assert {row.body["max_seats"] for row in OutboxMessage.objects.all()} == {11}
    assert len(set(Event.objects.values_list("updated_at", flat=True))) == 1


def test_an_update_leaves_the_rows_alone_that_it_does_not_match(three: list[Event]) -> None:
    Event.objects.filter(pk=three[1].pk).update(name="Only this")

    assert announced() == [("event.updated", three[1].pk, 2)]
    assert Event.objects.filter(version=1).count() == 2


def test_an_update_may_use_annotations_and_excludes(three: list[Event]) -> None:
    seats = Event.objects.annotate(more=F("max_seats") * 2).exclude(pk=three[0].pk)

    assert seats.update(max_seats=F("more")) == 2

    assert list(Event.objects.values_list("max_seats", "version")) == [(10, 1), (20, 2), (20, 2)]


@pytest.mark.parametrize(
    "update",
    [
        lambda: Event.objects.filter(name="nobody").update(max_seats=1),
        lambda: Event.objects.none().update(max_seats=1),
        lambda: Event.objects.update(),
    ],
)
def test_an_update_of_nothing_announces_nothing(event: Event, update: Callable[[], int]) -> None:
    assert update() == 0
    assert announced() == []
    assert Event.objects.get().version == 1


def test_a_loaded_queryset_shows_what_its_update_wrote(event: Event) -> None:
    events = Event.objects.all()
    assert [found.version for found in events] == [1]

    events.update(name="Renamed")

    assert [(found.name, found.version) for found in events] == [("Renamed", 2)]


@pytest.mark.parametrize(
    "changes", [{"version": 5}, {"version": F("version") + 1}, {"id": 5}, {"pk": 5}]
)
def test_version_and_id_are_not_set_by_hand(event: Event, changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="not set by hand"):
        Event.objects.update(**changes)
    assert Event.objects.get().version == 1


def test_bulk_update_does_not_set_the_version_either(event: Event) -> None:
    event.version = 9

    with pytest.raises(TypeError, match="not set by hand"), transaction.atomic():
        Event.objects.bulk_update([event], ["version"])


def test_bulk_update_in_batches_changes_each_row_once(three: list[Event]) -> None:
    for number, event in enumerate(three):
        event.max_seats = 100 + number

    assert Event.objects.bulk_update(reversed(three), ["max_seats"], batch_size=1) == 3

    stored = Event.objects.values_list("max_seats", "version")
    assert list(stored) == [(100, 2), (101, 2), (102, 2)]
    assert sorted(announced()) == sorted(("event.updated", event.pk, 2) for event in three)


def test_bulk_create_announces_each_row_as_it_is_stored() -> None:
    made = Event.objects.bulk_create(new(name=f"Event {n}", price="2.5") for n in range(20))

    assert announced() == [("event.created", event.pk, 1) for event in made]
    assert [row.body for row in OutboxMessage.objects.order_by("pk")] == [
        event_message(event) for event in Event.objects.all()
    ]
    assert Event.objects.bulk_create([]) == []


@pytest.mark.parametrize(
    "options",
    [
        {"ignore_conflicts": True},
        {"update_conflicts": True, "update_fields": ["name"], "unique_fields": ["id"]},
    ],
)
def test_bulk_create_refuses_to_pass_over_conflicts(event: Event, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="neither ignores nor updates"):
        Event.objects.bulk_create([new(pk=event.pk)], **options)


@pytest.mark.parametrize(
    "cancel",
    [
        pytest.param(lambda event: saved(event, update_fields=["cancelled_at"]), id="save"),
        pytest.param(
            lambda event: Event.objects.update(cancelled_at=event.cancelled_at), id="update"
        ),
        pytest.param(
            lambda event: Event.objects.bulk_update([event], ["cancelled_at"]), id="bulk_update"
        ),
    ],
)
def test_a_row_that_is_cancelled_is_announced_as_cancelled(
    event: Event, cancel: Callable[[Event], object]
) -> None:
    event.cancelled_at = timezone.now()

    cancel(event)

    assert_changed(event, key="event.cancelled")
    forget()
    Event.objects.update(name="Renamed")
    assert_changed(event, key="event.cancelled", version=3)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda stale: stale.save(), id="save"),
        pytest.param(lambda stale: stale.save(update_fields=["cancelled_at"]), id="update_fields"),
        pytest.param(lambda _: Event.objects.update(cancelled_at=None), id="update"),
        pytest.param(lambda _: Event.objects.update(cancelled_at=timezone.now()), id="later"),
        pytest.param(
            lambda stale: Event.objects.bulk_update([stale], ["cancelled_at"]), id="bulk_update"
        ),
    ],
)
def test_no_stale_write_takes_a_cancellation_back(
    event: Event, write: Callable[[Event], object]
) -> None:
    stale = Event.objects.get()
    Event.objects.update(cancelled_at=LONG_AGO)
    forget()

    write(stale)

    assert assert_changed(event, key="event.cancelled", version=3).cancelled_at == LONG_AGO


@pytest.mark.parametrize(
    "delete",
    [
        pytest.param(lambda event: event.delete(), id="instance"),
        pytest.param(lambda event: awaited(lambda: event.adelete()), id="instance, async"),
        pytest.param(lambda _: Event.objects.all().delete(), id="queryset"),
        pytest.param(
            lambda _: awaited(lambda: Event.objects.all().adelete()), id="queryset, async"
        ),
        pytest.param(lambda _: Event._base_manager.filter().delete(), id="base manager"),
    ],
)
def test_events_are_cancelled_and_not_deleted(
    event: Event, delete: Callable[[Event], object]
) -> None:
    with pytest.raises(TypeError, match="cancelled, not deleted"):
        delete(event)
    assert Event.objects.count() == 1


def test_managers_have_no_delete_and_templates_call_nothing_that_writes() -> None:
    assert not hasattr(Event.objects, "delete")
    for name in ("update", "bulk_update", "bulk_create", "delete"):
        assert getattr(models.QuerySet, name).alters_data
        assert getattr(type(Event.objects.all()), name).alters_data


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda event: saved(event, update_fields=["max_seats"]), id="save"),
        pytest.param(lambda _: Event.objects.update(max_seats=0), id="update"),
        pytest.param(lambda _: Event.objects.bulk_create([new(max_seats=0)]), id="bulk_create"),
        pytest.param(lambda _: Event.objects.create(**values(max_seats=0)), id="create"),
    ],
)
def test_what_the_database_refuses_is_neither_stored_nor_announced(
    event: Event, write: Callable[[Event], object]
) -> None:
    event.max_seats = 0

    with pytest.raises(IntegrityError, match="event_has_seats"), transaction.atomic():
        write(event)

    assert list(Event.objects.values_list("max_seats", "version")) == [(10, 1)]
    assert announced() == []


def test_the_time_of_the_last_change_may_be_set_where_many_are_written(event: Event) -> None:
    """Restoring a backup, for one."""
    Event.objects.update(updated_at=LONG_AGO, created_at=LONG_AGO - timedelta(days=1))

    assert assert_changed(event).updated_at == LONG_AGO
