"""`manage_event.py recover_events` after this database was restored from a backup."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from event_project.events.messages import event_message
from event_project.events.models import Event
from event_project.events.recovery import SKIPPED_IDS
from event_project.events.services import event_cancel, event_update
from tests.support.event.factories import EventFactory, rows
from tests.support.event.messages import announced, forget, last_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    """It has version 3 in both services."""
    event: Event = EventFactory(name="First")
    event_update(event_id=event.pk, changes={"name": "Second"})
    event_update(event_id=event.pk, changes={"name": "Third"})
    forget()
    return rows().get(pk=event.pk)


def recover(folder: Path, *copies: dict[str, Any]) -> list[str]:
    """What is printed about events."""
    file = folder / "events.jsonl"
    file.write_text("".join(f"{json.dumps(copy)}\n" for copy in copies))
    printed = folder / "printed"
    with printed.open("w") as out:
        call_command("recover_events", str(file), stdout=out)
    return printed.read_text().splitlines()[:-2]


def restore(event: Event, **older: Any) -> None:
    """As the event was before."""
    rows().filter(pk=event.pk).update(**{"version": 1, "name": "First", **older})


def test_an_event_that_is_missing_comes_back_and_is_not_announced(
    event: Event, tmp_path: Path
) -> None:
    copy = event_message(event)
    rows().filter(pk=event.pk).delete()

    printed = recover(tmp_path, copy)

    assert printed == [f"event {event.pk}: was missing, brought back as of version 3"]
    assert event_message(Event.objects.get(pk=event.pk)) == copy
    assert announced() == []


def test_an_event_that_is_older_is_brought_up_and_not_announced(
    event: Event, tmp_path: Path
) -> None:
    copy = event_message(event)
    restore(event, updated_at=event.created_at)

    printed = recover(tmp_path, copy)

    assert printed == [f"event {event.pk}: had version 1, brought up to version 3"]
    assert event_message(Event.objects.get(pk=event.pk)) == copy
    assert announced() == []


@pytest.mark.parametrize("version", [2, 3])
def test_a_change_since_the_restore_stays_and_is_announced_under_a_version_that_counts(
    event: Event, tmp_path: Path, version: int
) -> None:
    copy = event_message(event)
    later = event.updated_at + timedelta(minutes=5)
    restore(event, version=version, name="Changed", updated_at=later)

    printed = recover(tmp_path, copy)

    assert printed == [
        f"event {event.pk}: was changed after the restore as version {version}, "
        "announced again as version 4"
    ]
    assert announced() == [("event.updated", event.pk, 4)]
    assert last_body()["name"] == "Changed"


def test_a_cancellation_outlives_a_change_since_the_restore(event: Event, tmp_path: Path) -> None:
    copy = event_message(event_cancel(event_id=event.pk))
    later = event.updated_at + timedelta(minutes=5)
    restore(event, updated_at=later, cancelled_at=None)
    forget()

    recover(tmp_path, copy)

    assert announced() == [("event.cancelled", event.pk, 5)]
    assert last_body()["cancelled_at"] == copy["cancelled_at"]


def test_another_event_with_the_same_id_is_left_alone_and_named(
    event: Event, tmp_path: Path
) -> None:
    copy = event_message(event)
    restore(event, name="Another", created_at=event.created_at + timedelta(minutes=5))

    with pytest.raises(CommandError, match="1 ids belong to two events"):
        recover(tmp_path, copy)

    assert rows().get(pk=event.pk).name == "Another"
    assert "'Another' was created here after the restore" in (tmp_path / "printed").read_text()


def test_what_agrees_or_is_newer_here_is_not_mentioned(event: Event, tmp_path: Path) -> None:
    older = {**event_message(event), "version": 2}

    assert recover(tmp_path, event_message(event), older) == []
    assert announced() == []


def test_no_id_is_given_out_again(event: Event, tmp_path: Path) -> None:
    lost = {**event_message(event), "id": event.pk + 50}

    recover(tmp_path, lost)

    assert EventFactory().pk == event.pk + 50 + SKIPPED_IDS + 1


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"id": 1}\n', "line 2: it lacks name, max_seats"),
        ('{"id": 1, "na', "line 2: "),
        ("[]\n", "line 2: it is not an object"),
    ],
)
def test_a_file_that_is_broken_changes_nothing(
    event: Event, tmp_path: Path, broken: str, said: str
) -> None:
    copy = event_message(event)
    rows().filter(pk=event.pk).delete()
    file = tmp_path / "events.jsonl"
    file.write_text(f"{json.dumps(copy)}\n{broken}")

    with pytest.raises(CommandError, match=said):
        call_command("recover_events", str(file))

    assert not Event.objects.exists()
