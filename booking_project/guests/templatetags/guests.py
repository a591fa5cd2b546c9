import math
from decimal import Decimal

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from booking_project.bookings.domain.turns import Place
from booking_project.bookings.models import Event
from booking_project.guests.texts import price_text, summary_of
from shared.formats.markdown import html_of

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return price_text(amount, currency)


@register.filter
def description(markdown: str) -> SafeString:
    return html_of(markdown)


@register.filter
def summary(markdown: str) -> str:
    return summary_of(markdown)


@register.filter
def hue(event: Event) -> int:
    """Which of the six colours its cover has."""
    return event.pk % 6


@register.filter
def seconds_between_looks(place: int | None) -> int:
    """How often the page of a waiting guest asks where they are."""
    if place is None or place > 200:
        return 30
    return 5 if place <= 20 else 15


@register.filter
def seconds_between_calls(place: Place) -> int:
    """How often the page of a waiting room asks where the guest is."""
    return min(120, max(2, round(place.seconds / 6)))


@register.filter
def waiting_time(place: Place) -> str:
    """Rounded up."""
    minutes = math.ceil(place.seconds / 60)
    if minutes <= 1:
        return gettext("It takes less than a minute.")
    return ngettext(
        "It takes about %(minutes)d minute.", "It takes about %(minutes)d minutes.", minutes
    ) % {"minutes": minutes}
