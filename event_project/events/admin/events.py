import logging
import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from rest_framework.exceptions import ValidationError
from unfold.admin import ModelAdmin

from event_project.events.models import DESCRIPTION_LENGTH, Event
from event_project.events.selectors import name_contains
from event_project.events.services import EventChanges, event_cancel, event_update
from shared.db.constraints import words_for
from shared.formats.fields import LinesField, TextField

logger = logging.getLogger(__name__)

NAME = TextField(max_length=255)
VENUE = TextField(max_length=255, allow_null=True)
DESCRIPTION = LinesField(max_length=DESCRIPTION_LENGTH, allow_null=True)
EDITABLE = list(EventChanges.__annotations__)
_ID = re.compile(r"[0-9]{1,18}")


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    """Applies the model's rules and the API's rules for texts; never overwrites others' changes."""

    class Meta:
        help_texts = {
            "description": "Markdown. HTML in it is shown as text.",
            "starts_at": "When the event takes place.",
            "time_zone": "The IANA time zone in which people read the event's times.",
            "currency": "The price's currency (ISO 4217).",
            "max_seats": (
                "If you lower this below the seats that are taken, nobody loses a seat. Nobody is "
                "booked or promoted until fewer seats are taken than there are."
            ),
            "waitlist_limit": (
                "If you lower this below the number of people who wait, they all keep their place."
            ),
        }

    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        self.fields["seen_version"].required = self.instance.pk is not None

    def clean_name(self) -> str | None:
        return _validated(NAME, self.cleaned_data["name"])

    def clean_venue(self) -> str | None:
        return _validated(VENUE, self.cleaned_data["venue"] or None)

    def clean_description(self) -> str | None:
        return _validated(DESCRIPTION, self.cleaned_data["description"] or None)

    def clean(self) -> dict[str, Any] | None:
        """Locks the row, so what is compared here holds until the admin's transaction ends."""
        cleaned = super().clean()
        if self.instance.pk is not None and "seen_version" in self.cleaned_data:
            stored = Event.objects.select_for_update().get(pk=self.instance.pk)
            if stored.version != self.cleaned_data["seen_version"]:
                raise forms.ValidationError(
                    "This event has changed in the meantime. Open it again to see how it is now."
                )
        return cleaned


def _validated(field: TextField, value: str | None) -> str | None:
    try:
        text: str | None = field.run_validation(value)
    except ValidationError as error:
        raise forms.ValidationError([str(message) for message in error.detail]) from error
    return text


@admin.register(Event)
class EventAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Events can be created, changed and cancelled, but not deleted, because bookings depend on
    them. A cancelled event can't be changed."""

    form = EventForm
    actions = ["cancel_selected"]
    list_display = [
        "id",
        "name",
        "max_seats",
        "waitlist_limit",
        "price",
        "booking_start_at",
        "booking_end_at",
        "cancelled_at",
    ]
    list_filter = ["booking_start_at", "booking_end_at", "cancelled_at"]
    search_fields = ["id", "name"]  # these show the search box; `get_search_results` says how
    readonly_fields = ["created_at", "updated_at", "version", "cancelled_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = [*EDITABLE, *self.readonly_fields]
        if obj is not None and self.has_change_permission(request, obj):
            fields.append("seen_version")
        return fields

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

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form catches what the model forbids; this handles what only the database catches."""
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
            return response
        except IntegrityError as error:
            words = words_for(error)
            logger.warning("an event could not be saved: %s", error)
            self.message_user(
                request, capfirst(words or "the database refuses these values."), messages.ERROR
            )
            return HttpResponseRedirect(request.get_full_path())

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
        event_update(
            event_id=obj.pk,
            changes=changes,  # type: ignore[arg-type]
            expected_versions=[form.cleaned_data["seen_version"]],
        )
        if obj.max_seats < form.initial["max_seats"]:
            self.message_user(
                request,
                f"If more than {obj.max_seats} seats are taken, everybody keeps theirs, and nobody "
                f"is booked or promoted until fewer than {obj.max_seats} are taken. The admin of "
                "the booking service shows how many are.",
                messages.WARNING,
            )

    @admin.action(description="Cancel the selected events", permissions=["change"])
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> HttpResponse | None:
        """Asks for confirmation first. Each event is cancelled in its own transaction."""
        events = list(queryset.filter(cancelled_at=None).order_by("pk"))
        if events and "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Cancel events",
                "events": events,
            }
            return TemplateResponse(request, "admin/events/event/cancel_confirmation.html", context)
        for event in events:
            event_cancel(event_id=event.pk)
            self.log_change(request, event, "Cancelled.")
        self.message_user(request, f"{len(events)} cancelled.")
        return None
