"""Statements that name their event.

A database that is distributed by event finds the event's node by a comparison with one id. It finds
none in an array, nor in a join with one.

A database that isn't distributed gets arrays. Given an id that is newer than its statistics, the
planner expects no bookings of that event, and chooses a plan that reads all of them instead of
looking some up: milliseconds more for each booking. On a cluster, `distribute` turns these
statistics off.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings

from shared.db.arrays import array_literal
from shared.db.round_trips import Statement

_MARK = re.compile(r"\[\[(.*?)\|(.*?)\]\]")


class AboutEvents:
    """SQL about any number of events. It differs only at its marks: `[[one|many]]` becomes `one` if
    the database is distributed and the statement is about a single event, else `many`.

    `one` has one placeholder, for the event's id. `many` has none, or one for the array of ids.
    """

    def __init__(self, sql: str) -> None:
        self._one = _MARK.sub(r"\1", sql)
        self._many = _MARK.sub(r"\2", sql)
        self._takes_array = ["%s" in many for _, many in _MARK.findall(sql)]

    def statement(self, event_ids: Collection[int], *values: Sequence[Any]) -> Statement:
        """The first of `values` are for the placeholders before the first mark, the second for
        those between the first and the second, and so on. Those that follow the last mark may be
        left out if there are none."""
        named: list[list[Any]]
        if settings.DISTRIBUTED and len(event_ids) == 1:
            sql = self._one
            named = [[*event_ids]] * len(self._takes_array)
        else:
            sql = self._many
            ids = [array_literal(event_ids)]
            named = [ids if takes else [] for takes in self._takes_array]
        parameters: list[Any] = []
        for index, group in enumerate(values):
            parameters += group
            if index < len(named):
                parameters += named[index]
        return Statement(sql, parameters)
