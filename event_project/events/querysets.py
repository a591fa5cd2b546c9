"""Events are written one at a time, so that each change gets its version and its message."""

from typing import Any, NoReturn, TypeVar

from django.db import models

E = TypeVar("E", bound=models.Model)


class EventQuerySet(models.QuerySet[E]):
    """Refuses to write many rows at once: Django sends no signals for that, so the booking service
    would never hear of it. Raw SQL and migrations' models bypass this. Run
    `manage_event.py republish_events` after using them.
    """

    def update(self, **changes: Any) -> NoReturn:
        """Raises `TypeError`."""
        raise _refusal("update", instead="event_update() or event_cancel() for each event")

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        """Raises `TypeError`."""
        raise _refusal("bulk_update", instead="event_update() for each event")

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, *args: Any, **options: Any) -> NoReturn:
        """Raises `TypeError`."""
        raise _refusal("bulk_create", instead="event_create() for each event")

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> NoReturn:
        """Raises `TypeError`."""
        raise cannot_be_deleted()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def cannot_be_deleted() -> TypeError:
    return TypeError(
        "Events are cancelled, not deleted, because bookings depend on them. Call event_cancel()."
    )


def _refusal(method: str, *, instead: str) -> TypeError:
    return TypeError(
        f"{method}() would change events without a message to the booking service. Call {instead}."
    )
