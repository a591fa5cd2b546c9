"""Parts of a table that are one range of an index."""

from typing import Any, NamedTuple

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan


class IndexRange(NamedTuple):
    """`rows` all have `value` in `column`, and are in the order of an index on that column and the
    id.

    A position is compared as a pair. PostgreSQL can't find a pair in the primary key. With the id
    alone it would walk that instead, through everybody else's rows, where the statistics make it
    believe that few rows come before.
    """

    rows: QuerySet[Any]
    column: str
    value: Any

    def after(self, row_id: int) -> QuerySet[Any]:
        return self.rows.filter(TupleGreaterThan(self._pair(), (self.value, row_id)))

    def before(self, row_id: int) -> QuerySet[Any]:
        return self.rows.filter(TupleLessThan(self._pair(), (self.value, row_id))).reverse()

    def _pair(self) -> Tuple:
        return Tuple(F(self.column), F("pk"))
