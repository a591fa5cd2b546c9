from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from booking_project.bookings.api.serializers import valid_user_id
from booking_project.bookings.models import Event
from booking_project.guests.identity import says_who_they_are

NAME_LENGTH = 100


class BookForGuestForm(forms.Form):
    """What the booking service itself refuses is shown beside the field that it is about."""

    event = forms.ModelChoiceField(
        Event.objects.none(), label=_("Event"), widget=UnfoldAdminSelectWidget
    )
    user_id = forms.CharField(
        label=_("E-mail address or user id"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The guest finds the booking under this. They must not have one already."),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("For the guest list and for mails. If it is left out, a known name stays."),
    )

    # Which field a refusal is about; the others are about the event.
    FIELDS = {"already_booked": "user_id", "try_again_later": None}

    def __init__(self, *args: Any, events: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].queryset = events  # type: ignore[attr-defined]

    def clean_user_id(self) -> str:
        try:
            user_id = valid_user_id({"user_id": self.cleaned_data["user_id"]})
        except ValidationError as error:
            messages = error.detail["user_id"]  # type: ignore[call-overload]
            raise forms.ValidationError([str(message) for message in messages]) from error
        return user_id.lower() if "@" in user_id and says_who_they_are() else user_id


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
