"""An event in words, as lists and pages of the desk show it."""

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from event_project.events.admin.standings import Seen
from event_project.events.models import Event
from shared.formats.money import money_text
from shared.times.texts import period_text, zone_text
from shared.times.zones import zone_by_name


def seats_bar(seen: Seen) -> SafeString:
    if seen.standing is None:
        return format_html(
            "<span>{}</span>", gettext("%(seats)d seats") % {"seats": seen.event.max_seats}
        )
    taken, seats = seen.standing.confirmed, seen.event.max_seats
    text = gettext("%(taken)d of %(seats)d") % {"taken": taken, "seats": seats}
    if seen.standing.waiting:
        text += " · " + gettext("%(waiting)d waiting") % {"waiting": seen.standing.waiting}
    return format_html(
        '<span class="desk-seats"><progress class="desk-bar" max="{}" value="{}" aria-label="{}">'
        "</progress><span>{}</span></span>",
        seats,
        min(taken, seats),
        gettext("Seats taken"),
        text,
    )


def on_sale(event: Event) -> str:
    """In the event's zone, which is named."""
    zone = zone_by_name(event.time_zone) or timezone.get_current_timezone()
    window = period_text(event.booking_start_at, event.booking_end_at, zone=zone)
    return f"{window} ({zone_text(zone)})"


def takes_place(event: Event) -> str:
    """In the event's zone, which is named."""
    start = event.starts_at or event.ends_at
    zone = zone_by_name(event.time_zone)
    if start is None or zone is None:
        return "–"
    return f"{period_text(start, event.ends_at, zone=zone)} ({zone_text(zone)})"


def cost(event: Event) -> str:
    return money_text(event.price, event.currency) if event.price else gettext("Free")
