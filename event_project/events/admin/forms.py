from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from iso4217 import Currency
from rest_framework.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget

from event_project.events.api.serializers import LARGEST_COUNT, EventInput
from event_project.events.errors import BookingEndsTooEarly, EndsTooEarly
from event_project.events.models import (
    DEFAULT_CURRENCY,
    DEFAULT_TIME_ZONE,
    DESCRIPTION_LENGTH,
    HIGHEST_WAITING_ROOM_RATE,
    Event,
)
from shared.formats.codes import TIME_ZONES
from shared.formats.fields import InstantField

# The API's rules. Django's own fields have read the times.
_RULES = {
    name: field
    for name, field in EventInput().fields.items()
    if not isinstance(field, InstantField)
}
_LIMITS = {
    "name": {"maxlength": 255},
    "venue": {"maxlength": 255},
    "description": {"maxlength": DESCRIPTION_LENGTH, "rows": 8},
    "max_seats": {"min": 1, "max": LARGEST_COUNT},
    "waitlist_limit": {"min": 0, "max": LARGEST_COUNT},
    "price": {"min": 0, "max": "9999999999.99", "step": "0.01"},
    "waiting_room_rate": {"min": 1, "max": HIGHEST_WAITING_ROOM_RATE},
}


def _currencies() -> list[tuple[str, str]]:
    names = {currency.code: currency.currency_name for currency in Currency}
    return [(code, f"{code} – {name}") for code, name in sorted(names.items())]


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what the API refuses, in its words; never overwrites others' changes."""

    time_zone = forms.ChoiceField(
        choices=[(zone, zone) for zone in sorted(TIME_ZONES)],
        initial=DEFAULT_TIME_ZONE,
        widget=UnfoldAdminSelectWidget,
        label=_("Time zone"),
        help_text=_("Guests read the event's times in this zone."),
    )
    currency = forms.ChoiceField(
        choices=_currencies,
        initial=DEFAULT_CURRENCY,
        widget=UnfoldAdminSelectWidget,
        label=_("Currency"),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        labels = {
            "name": _("Name"),
            "description": _("Description"),
            "venue": _("Venue"),
            "starts_at": _("Starts"),
            "ends_at": _("Ends"),
            "max_seats": _("Seats"),
            "waitlist_limit": _("Places on the waitlist"),
            "price": _("Price"),
            "booking_start_at": _("Booking opens"),
            "booking_end_at": _("Booking closes"),
            "waiting_room_rate": _("Waiting room: guests let in per second"),
            "created_at": _("Created"),
            "updated_at": _("Changed"),
            "version": _("Version"),
            "cancelled_at": _("Cancelled"),
        }
        help_texts = {
            "description": _("Markdown. HTML in it is shown as text."),
            "venue": _("Where it takes place. Leave it empty if that isn't known yet."),
            "starts_at": _("When the event takes place. Leave it empty if that isn't known yet."),
            "max_seats": _(
                "If you lower this below the seats that are taken, nobody loses a seat. Nobody is "
                "booked or promoted until fewer seats are taken than there are."
            ),
            "waitlist_limit": _(
                "If you lower this below the number of people who wait, they all keep their place."
            ),
            "price": _("For one seat. 0 is free."),
            "booking_start_at": _("Guests can book from this moment on."),
            "booking_end_at": _("Later than the opening. After it, nobody can book."),
            "waiting_room_rate": _(
                "For a sale that draws more people than can book at once. Guests wait in line, and "
                "book when it is their turn. Empty: no waiting room."
            ),
            "version": _("Grows by one with every change."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        self.fields["seen_version"].required = self.instance.pk is not None
        for name, attributes in _LIMITS.items():
            if name in self.fields:
                self.fields[name].widget.attrs.update(attributes)
        # What `clean` finds in the database.
        self.stored: Event | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        self._apply_rules()
        self._check_order("booking_start_at", "booking_end_at", error=BookingEndsTooEarly)
        self._check_order("starts_at", "ends_at", error=EndsTooEarly)
        self._lock()
        if "_edit" in self.data:
            raise forms.ValidationError(_("Nothing has been saved yet."))
        return cleaned

    def _apply_rules(self) -> None:
        for name, rule in _RULES.items():
            if name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if value == "" and rule.allow_null:
                value = None
            try:
                self.cleaned_data[name] = rule.run_validation(value)
            except ValidationError as error:
                self.add_error(name, [str(message) for message in error.detail])

    def _check_order(
        self, first: str, second: str, *, error: type[BookingEndsTooEarly | EndsTooEarly]
    ) -> None:
        start, end = (self.cleaned_data.get(name) for name in (first, second))
        if start and end and (end < start or (error is BookingEndsTooEarly and end == start)):
            self.add_error(second, error.message)

    def _lock(self) -> None:
        """Locks the row, so what is compared here holds until the admin's transaction ends."""
        if self.instance.pk is None or "seen_version" not in self.cleaned_data:
            return
        self.stored = Event.objects.select_for_update().get(pk=self.instance.pk)
        if self.stored.version != self.cleaned_data["seen_version"]:
            raise forms.ValidationError(
                _("This event has changed in the meantime. Open it again to see how it is now.")
            )
