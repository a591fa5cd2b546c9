import logging
import re
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList

from event_project.events.admin.consequences import (
    NotConfirmed,
    consequences_of,
    of_cancellation,
)
from event_project.events.admin.filters import StateFilter, dates
from event_project.events.admin.forms import EventForm
from event_project.events.admin.presentation import cost, on_sale, seats_bar, takes_place
from event_project.events.admin.standings import Copy, Seen, State, look_up
from event_project.events.models import Event
from event_project.events.selectors import name_contains
from event_project.events.services import EventChanges, event_cancel, event_update
from shared.db.constraints import words_for
from shared.formats.markdown import html_of

logger = logging.getLogger(__name__)

EDITABLE = list(EventChanges.__annotations__)
RECORD = ["created_at", "updated_at", "version", "cancelled_at"]
_ID = re.compile(r"[0-9]{1,18}")
_STATE_COLOURS = {
    State.UPCOMING: "info",
    State.OPEN: "success",
    State.SOLD_OUT: "warning",
    State.CLOSED: "default",
    State.CANCELLED: "danger",
}
_COPY_COLOURS = {Copy.UP_TO_DATE: "success", Copy.ON_ITS_WAY: "warning", Copy.UNKNOWN: "default"}


class _SeenEvents(ChangeList):  # type: ignore[misc]  # unfold has no types
    """Asks the booking service once about all events of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        events: QuerySet[Event] = self.result_list  # type: ignore[has-type]
        self.result_list = list(events.defer("description"))
        for seen in look_up(self.result_list).values():
            seen.event.seen = seen  # type: ignore[attr-defined]


@admin.register(Event)
class EventAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Events can be created, changed and cancelled, but not deleted, because bookings depend on
    them. A cancelled event can't be changed."""

    form = EventForm
    actions = ["cancel_selected"]
    list_display = [
        "name",
        "state",
        "seats",
        "takes_place",
        "on_sale",
        "cost",
        "copy",
    ]
    list_filter = [
        StateFilter,
        ("booking_start_at", dates(_("booking opens"))),
        ("booking_end_at", dates(_("booking closes"))),
    ]
    list_per_page = 25
    ordering = ["-pk"]
    search_help_text = _("A part of the name, or the number of an event")
    search_fields = ["id", "name"]  # these show the search box; `get_search_results` says how
    readonly_fields = RECORD
    change_form_outer_before_template = "admin/events/event/standing.html"
    fieldsets = [
        (
            _("What and where"),
            {"fields": ["name", "description", "venue", "starts_at", "ends_at", "time_zone"]},
        ),
        (
            _("Seats and price"),
            {"fields": ["max_seats", "waitlist_limit", "price", "currency"]},
        ),
        (_("Booking"), {"fields": ["booking_start_at", "booking_end_at", "waiting_room_rate"]}),
    ]

    class Media:
        css = {"all": ["events/desk.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets
        record = [*RECORD, *(["seen_version"] if self.has_change_permission(request, obj) else [])]
        return [*self.fieldsets, (_("Record"), {"fields": record})]

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _SeenEvents

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """By a part of the name, through its index, or by the id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        match = name_contains(term)
        if _ID.fullmatch(term):
            match |= Q(pk=int(term))
        return queryset.filter(match), False

    @display(description=_("State"), label=_STATE_COLOURS)  # type: ignore[untyped-decorator]
    def state(self, event: Event) -> tuple[State, Any]:
        state = _seen(event).state
        return state, state.label

    @admin.display(description=_("Seats"), ordering="max_seats")
    def seats(self, event: Event) -> SafeString:
        return seats_bar(_seen(event))

    @admin.display(description=_("Takes place"), ordering="starts_at")
    def takes_place(self, event: Event) -> str:
        return takes_place(event)

    @admin.display(description=_("On sale"), ordering="booking_start_at")
    def on_sale(self, event: Event) -> str:
        return on_sale(event)

    @admin.display(description=_("Price"), ordering="price")
    def cost(self, event: Event) -> str:
        return cost(event)

    @display(description=_("In sync"), label=_COPY_COLOURS)  # type: ignore[untyped-decorator]
    def copy(self, event: Event) -> tuple[Copy, Any]:
        copy = _seen(event).copy
        return copy, copy.label

    # The form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Those of another event, if the page is asked to duplicate it."""
        text = request.GET.get("copy", "")
        original = Event.objects.filter(pk=int(text)).first() if _ID.fullmatch(text) else None
        if original is None:
            return {}
        return {name: getattr(original, name) for name in EDITABLE}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Asks for confirmation of changes with consequences. The form catches what the model
        forbids; this also handles what only the database catches."""
        seen = self._seen_by_id(object_id)
        # For `save_model`, so that nothing is asked while the row is locked.
        request.seen = seen  # type: ignore[attr-defined]
        context = {**(extra_context or {}), **(_panel(seen) if seen else {})}
        try:
            return cast(
                "HttpResponse", super().changeform_view(request, object_id, form_url, context)
            )
        except NotConfirmed as needed:
            return self._confirmation(request, seen, needed)
        except IntegrityError as error:
            words = words_for(error)
            logger.warning("an event could not be saved: %s", error)
            refused = gettext("the database refuses these values.")
            self.message_user(request, capfirst(words or refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _seen_by_id(self, object_id: str | None) -> Seen | None:
        if object_id is None or not _ID.fullmatch(object_id):
            return None
        event = Event.objects.filter(pk=int(object_id)).first()
        return None if event is None else look_up([event])[event.pk]

    def _confirmation(
        self, request: HttpRequest, seen: Seen | None, needed: NotConfirmed
    ) -> HttpResponse:
        sent = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name not in ("csrfmiddlewaretoken", "confirmed", "_edit")
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Change this event?"),
            "event": seen and seen.event,
            "consequences": needed.consequences,
            "sent": sent,
        }
        return TemplateResponse(request, "admin/events/event/change_confirmation.html", context)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.cancelled_at is not None:
            return False
        may: bool = super().has_change_permission(request, obj)
        return may

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        changes = {name: form.cleaned_data[name] for name in EDITABLE if name in form.changed_data}
        seen: Seen | None = getattr(request, "seen", None)
        consequences = consequences_of(
            form.stored, obj, standing=seen.standing if seen else None, now=timezone.now()
        )
        if {each.code for each in consequences} - set(request.POST.getlist("confirmed")):
            raise NotConfirmed(consequences)
        event_update(
            event_id=obj.pk,
            changes=changes,  # type: ignore[arg-type]
            expected_versions=[form.cleaned_data["seen_version"]],
        )

    # Cancelling

    @admin.action(description=_("Cancel the selected events"), permissions=["change"])
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> HttpResponse | None:
        """Asks for confirmation first. Each event is cancelled in its own transaction."""
        events = list(queryset.filter(cancelled_at=None).order_by("pk"))
        if events and "confirmed" not in request.POST:
            effects = [(seen.event, of_cancellation(seen)) for seen in look_up(events).values()]
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": ngettext("Cancel this event?", "Cancel these events?", len(events)),
                "events": effects,
            }
            return TemplateResponse(request, "admin/events/event/cancel_confirmation.html", context)
        for event in events:
            event_cancel(event_id=event.pk)
            self.log_change(request, event, "Cancelled.")
        self.message_user(
            request,
            ngettext("%(count)d event cancelled.", "%(count)d events cancelled.", len(events))
            % {"count": len(events)},
        )
        return None


def _seen(event: Event) -> Seen:
    seen: Seen = event.seen  # type: ignore[attr-defined]  # set by the list
    return seen


def _panel(seen: Seen) -> Mapping[str, Any]:
    """What the page of an event shows besides the form."""
    event, public = seen.event, settings.BOOKING_PUBLIC_URL
    return {
        "seen": seen,
        "original_id": str(event.pk),
        "state_colour": _STATE_COLOURS[seen.state],
        "copy_colour": _COPY_COLOURS[seen.copy],
        "seats_bar": seats_bar(seen),
        "takes_place": takes_place(event),
        "description_html": event.description and html_of(event.description),
        "links": [
            (_("At the booking desk"), f"{public}/admin/bookings/event/{event.pk}/change/"),
            (_("Page for guests"), f"{public}/events/{event.pk}"),
            (_("Live"), f"{public}/events/{event.pk}/live"),
        ]
        if public
        else [],
    }
