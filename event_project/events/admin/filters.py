from typing import Any

from django.contrib.admin import DateFieldListFilter, SimpleListFilter
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from event_project.events.admin.standings import State
from event_project.events.models import Event

_NOT_CANCELLED = Q(cancelled_at__isnull=True)
_CONDITIONS = {
    State.UPCOMING: _NOT_CANCELLED & Q(booking_start_at__gt=Now()),
    State.OPEN: _NOT_CANCELLED & Q(booking_start_at__lte=Now(), booking_end_at__gte=Now()),
    State.CLOSED: _NOT_CANCELLED & Q(booking_end_at__lt=Now()),
    State.CANCELLED: Q(cancelled_at__isnull=False),
}


class StateFilter(SimpleListFilter):
    """By the window alone: only the booking service knows which events are sold out."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.name.lower(), state.label) for state in _CONDITIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        name = (self.value() or "").upper()
        if name not in State.__members__ or State[name] not in _CONDITIONS:
            return queryset
        return queryset.filter(_CONDITIONS[State[name]])


def dates(name: Any) -> type[DateFieldListFilter]:
    """Django's filter of a time, under another name than the column's."""

    class Dates(DateFieldListFilter):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = name

    return Dates
