"""Brings events of a database that was restored from a backup up to what was announced since.

The booking service's copies say what that was. What was changed since the restore is kept, under a
version that the booking service doesn't take for an old one.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from event_project.events.models import Event
from shared.db.sequences import skip_ids

# An event whose message had not left is unknown to all, but its creator was told its id.
SKIPPED_IDS = 1000


class NotACopy(Exception):
    pass


class SameIdAgain(Exception):
    """The id was given out again since the restore: two events have it, one in each service."""


def parse_copy(members: Any) -> Event:
    """An event as `export_events` of the booking service writes it. Raises `NotACopy`."""
    if not isinstance(members, dict):
        raise NotACopy("it is not an object")
    fields = Event._meta.concrete_fields
    if missing := [field.attname for field in fields if field.attname not in members]:
        raise NotACopy(f"it lacks {', '.join(missing)}")
    copy = Event(**{field.attname: members[field.attname] for field in fields})
    try:
        copy.clean_fields()
    except ValidationError as error:
        raise NotACopy("; ".join(error.messages)) from None
    return copy


@transaction.atomic
def event_recover(copy: Event) -> str | None:
    """Bring an event up to its copy, holding its row. Returns what was done.

    Nothing is announced that the booking service has already. Raises `SameIdAgain`.
    """
    stored = Event.objects.select_for_update().filter(pk=copy.pk).first()
    if stored is None:
        copy.save_base(raw=True, force_insert=True)
        return f"event {copy.pk}: was missing, brought back as of version {copy.version}"
    if stored.created_at != copy.created_at:
        raise SameIdAgain(
            f"event {copy.pk}: {stored.name!r} was created here after the restore, "
            f"but the booking service has {copy.name!r} under this id"
        )
    if stored.version > copy.version or _are_equal(stored, copy):
        return None
    old = stored.version
    if stored.updated_at <= copy.updated_at:
        copy.save_base(raw=True, force_update=True)
        return f"event {copy.pk}: had version {old}, brought up to version {copy.version}"
    stored.version = copy.version
    stored.cancelled_at = stored.cancelled_at or copy.cancelled_at
    stored.save_locked()
    return (
        f"event {copy.pk}: was changed after the restore as version {old}, "
        f"announced again as version {stored.version}"
    )


def skip_unknown_ids() -> int:
    """Returns the id of the next event."""
    return skip_ids(Event, count=SKIPPED_IDS)


def _are_equal(stored: Event, copy: Event) -> bool:
    return all(
        getattr(stored, field.attname) == getattr(copy, field.attname)
        for field in Event._meta.concrete_fields
    )
