"""Each write of an event gives it its next version and announces it in full; other writes are
refused."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from event_project.events.messages import event_message
from event_project.events.models import Event
from event_project.events.services import event_cancel, event_update
from tests.support.event.factories import EventFactory
from tests.support.event.messages import announced, forget, last_body

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def event() -> Event:
    created: Event = EventFactory.create(name="As created", max_seats=10)
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
            lambda event: event_update(event_id=event.pk, changes={"max_seats": event.max_seats}),
            id="event_update",
        ),
    ],
)
def test_every_way_to_change_announces_the_next_version(
    event: Event, change: Callable[[Event], object]
) -> None:
    event.max_seats = 11

    change(event)

    assert assert_changed(event).max_seats == 11


def test_get_or_create_does_not_change_an_existing_event(event: Event) -> None:
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


def test_a_message_has_the_stored_values_and_not_those_of_the_instance(event: Event) -> None:
    event.name = "Never stored"
    event.price = "12.5"  # type: ignore[assignment]

    event.save(update_fields=["price"])

    stored = assert_changed(event)
    assert (stored.name, stored.price) == ("As created", Decimal("12.5"))
    assert event.name == "As created"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_seats", F("max_seats") + 5),
        ("price", Decimal("12.345")),
        ("price", Decimal("NaN")),
        ("name", "x" * 256),
        ("booking_end_at", "tomorrow"),
    ],
)
def test_a_value_that_would_be_stored_differently_is_refused(
    event: Event, field: str, value: object
) -> None:
    setattr(event, field, value)

    with pytest.raises(ValidationError), transaction.atomic():
        event.save()

    assert Event.objects.get().version == 1
    assert announced() == []


def test_an_instance_loaded_in_part_is_announced_in_full(event: Event) -> None:
    partial = Event.objects.only("name").get()
    partial.name = "Renamed"

    partial.save()

    assert assert_changed(event).name == "Renamed"


def test_saving_no_fields_is_not_a_change(event: Event) -> None:
    event.save(update_fields=[])

    assert (event.version, Event.objects.get().version) == (1, 1)
    assert announced() == []


def test_forcing_an_update_of_a_missing_row_fails(event: Event) -> None:
    missing = new(pk=event.pk + 1)

    for options in ({"force_update": True}, {"update_fields": ["name"]}):
        with pytest.raises(DatabaseError), transaction.atomic():
            missing.save(**options)  # type: ignore[arg-type]

    assert announced() == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda event: event_update(event_id=event.pk, changes={"max_seats": 11}), id="update"
        ),
        pytest.param(lambda event: event_cancel(event_id=event.pk), id="cancel"),
        pytest.param(lambda event: event.save(), id="save"),
    ],
)
def test_a_change_costs_three_statements(event: Event, change: Callable[[Event], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        change(event)

    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 3, "lock, update, message"


@pytest.mark.parametrize(
    ("write", "instead"),
    [
        pytest.param(lambda _: Event.objects.update(max_seats=1), "event_update", id="update"),
        pytest.param(
            lambda _: awaited(lambda: Event.objects.aupdate(max_seats=1)),
            "event_update",
            id="aupdate",
        ),
        pytest.param(
            lambda event: Event._base_manager.filter(pk=event.pk).update(max_seats=1),
            "event_update",
            id="base manager",
        ),
        pytest.param(
            lambda event: Event.objects.bulk_update([event], ["name"]),
            "event_update",
            id="bulk_update",
        ),
        pytest.param(
            lambda event: awaited(lambda: Event.objects.abulk_update([event], ["name"])),
            "event_update",
            id="abulk_update",
        ),
        pytest.param(
            lambda _: Event.objects.bulk_create([new()]), "event_create", id="bulk_create"
        ),
        pytest.param(
            lambda _: awaited(lambda: Event.objects.abulk_create([new()])),
            "event_create",
            id="abulk_create",
        ),
    ],
)
def test_a_write_of_many_rows_is_refused_and_names_the_service_to_call(
    event: Event, write: Callable[[Event], object], instead: str
) -> None:
    with pytest.raises(TypeError, match=rf"{instead}\(\)"):
        write(event)

    assert list(Event.objects.values_list("max_seats", "version")) == [(10, 1)]
    assert announced() == []


@pytest.mark.parametrize(
    "cancel",
    [
        pytest.param(lambda event: saved(event, update_fields=["cancelled_at"]), id="save"),
        pytest.param(lambda event: event_cancel(event_id=event.pk), id="event_cancel"),
    ],
)
def test_a_row_that_is_cancelled_is_announced_as_cancelled(
    event: Event, cancel: Callable[[Event], object]
) -> None:
    event.cancelled_at = timezone.now()

    cancel(event)

    assert_changed(event, key="event.cancelled")
    forget()
    saved(Event.objects.get(), update_fields=["name"])
    assert_changed(event, key="event.cancelled", version=3)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda stale: stale.save(), id="save"),
        pytest.param(lambda stale: stale.save(update_fields=["cancelled_at"]), id="update_fields"),
        pytest.param(
            lambda stale: saved(with_cancellation(stale, timezone.now())), id="a later time"
        ),
    ],
)
def test_a_stale_write_does_not_undo_a_cancellation(
    event: Event, write: Callable[[Event], object]
) -> None:
    stale = Event.objects.get()
    saved(with_cancellation(Event.objects.get(), LONG_AGO))
    forget()

    write(stale)

    assert assert_changed(event, key="event.cancelled", version=3).cancelled_at == LONG_AGO


def with_cancellation(event: Event, cancelled_at: datetime) -> Event:
    event.cancelled_at = cancelled_at
    return event


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
        pytest.param(
            lambda event: event_update(event_id=event.pk, changes={"max_seats": 0}),
            id="event_update",
        ),
        pytest.param(lambda _: Event.objects.create(**values(max_seats=0)), id="create"),
    ],
)
def test_a_write_that_the_database_refuses_is_neither_stored_nor_announced(
    event: Event, write: Callable[[Event], object]
) -> None:
    event.max_seats = 0

    with pytest.raises(IntegrityError, match="event_has_seats"), transaction.atomic():
        write(event)

    assert list(Event.objects.values_list("max_seats", "version")) == [(10, 1)]
    assert announced() == []
