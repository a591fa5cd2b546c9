"""What guests fill in. Errors say what to do, in the words of the page."""

import unicodedata
from uuid import uuid4

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from booking_project.guests.identity import Guest
from booking_project.notifications.addresses import is_address


class NameAndMail(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        error_messages={
            "required": _("Enter your name"),
            "max_length": _("Your name must have at most %(limit_value)d characters"),
            "null_characters_not_allowed": _("Your name has characters that can’t be used"),
        },
    )
    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        error_messages={
            "required": _("Enter your e-mail address"),
            "max_length": _("Your e-mail address is too long"),
            "null_characters_not_allowed": _(
                "Enter an e-mail address in the right format, like name@example.com"
            ),
        },
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
            raise forms.ValidationError(_("Your name has characters that can’t be used"))
        if not any(unicodedata.category(character)[0] not in "CZ" for character in name):
            raise forms.ValidationError(_("Enter your name"))
        return name

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if not is_address(email):
            raise forms.ValidationError(
                _("Enter an e-mail address in the right format, like name@example.com")
            )
        return email


def guest_in(form: NameAndMail) -> Guest:
    """Who the valid form says they are. They book under their mail address."""
    email = form.cleaned_data["email"]
    return Guest(
        user_id=email.lower(),
        name=form.cleaned_data["name"],
        email=email,
        language=get_language() or settings.LANGUAGE_CODE,
    )


class Once(forms.Form):
    """`key` is the same however often the form is sent, so that it is carried out once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class BookingForm(Once, NameAndMail):
    """`saw_seats` is set if seats were left when the form was shown."""

    saw_seats = forms.BooleanField(required=False, widget=forms.HiddenInput)


class SignedInBookingForm(Once):
    saw_seats = forms.BooleanField(required=False, widget=forms.HiddenInput)
