"""Queries that write many events: each row gets its next version, and each is announced."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.dispatch import Signal
from django.utils import timezone

# Sent by what writes many rows at once, in its transaction, with `rows` as they are stored now and
# `created`. Django sends no `post_save` for those.
rows_written = Signal()

_NOT_SET_BY_HAND = frozenset({"id", "pk", "version"})

E = TypeVar("E", bound=models.Model)


def refuse_to_delete() -> NoReturn:
    raise TypeError("events are cancelled, not deleted: bookings rest on them")


class EventQuerySet(models.QuerySet[E]):
    """Rows are locked in the order of their ids, written, and announced in one transaction.

    Raw SQL and the models of migrations pass by all this: `republish_events` announces afterwards.
    """

    def update(self, **changes: Any) -> int:
        """One change of each row, whatever its values were. The first `cancelled_at` stays.

        Raises `TypeError` for a version or an id.
        """
        if refused := _NOT_SET_BY_HAND & changes.keys():
            raise TypeError(f"{', '.join(sorted(refused))} of an event is not set by hand")
        if not changes:
            return 0
        if "cancelled_at" in changes:
            changes["cancelled_at"] = Coalesce("cancelled_at", _moment(changes["cancelled_at"]))
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            ids = self._lock()
            stamps = {"version": F("version") + 1, "updated_at": timezone.now()}
            count = models.QuerySet.update(self.filter(pk__in=ids), **{**stamps, **changes})
            self._send_written(ids, created=False)
        self._result_cache = None
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(
        self, objs: Iterable[E], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """One change of each row. The instances keep the version that they had."""
        objs = tuple(objs)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            # All of them at once: batches of `objs` may come in any order.
            self.filter(pk__in=[event.pk for event in objs])._lock()
            return super().bulk_update(objs, fields, batch_size=batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(
        self,
        objs: Iterable[E],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[E]:
        """Raises `TypeError` for the ways that don't tell which rows were created or changed."""
        if ignore_conflicts or update_conflicts:
            raise TypeError("bulk_create of events neither ignores nor updates what is there")
        events = list(objs)
        now = timezone.now()
        for event in events:
            vars(event).update(version=1, created_at=now, updated_at=now)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            created = super().bulk_create(events, batch_size=batch_size)
            self._send_written([event.pk for event in created], created=True)
        return created

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> NoReturn:
        """Raises `TypeError`."""
        refuse_to_delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _lock(self) -> list[int]:
        return list(self.order_by("pk").select_for_update().values_list("pk", flat=True))

    def _send_written(self, ids: Sequence[int], *, created: bool) -> None:
        rows = list(self.model._base_manager.using(self.db).filter(pk__in=ids).order_by("pk"))
        if rows:
            rows_written.send(self.model, rows=rows, created=created)


def _moment(value: Any) -> Any:
    if hasattr(value, "resolve_expression"):
        return value
    return Value(value, output_field=models.DateTimeField())
