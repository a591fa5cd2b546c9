"""`{{ event.starts_at|event_time:event.time_zone }}`. The zone is a zone or its name."""

from datetime import UTC, datetime, tzinfo

from django import template

from shared.times import texts
from shared.times.zones import zone_by_name

register = template.Library()


@register.filter
def event_date(moment: datetime | None, zone: tzinfo | str = UTC) -> str:
    """The day in this zone. Empty for None."""
    return "" if moment is None else texts.date_text(moment, zone=_zone(zone))


@register.filter
def event_time(moment: datetime | None, zone: tzinfo | str = UTC) -> str:
    """The day and time in this zone. Empty for None."""
    return "" if moment is None else texts.moment_text(moment, zone=_zone(zone))


@register.filter
def zone_name(zone: tzinfo | str) -> str:
    """As people call it: `Bangkok time`."""
    return texts.zone_text(zone)


@register.simple_tag
def event_period(start: datetime, end: datetime | None, zone: tzinfo | str = UTC) -> str:
    """From when until when, in this zone."""
    return texts.period_text(start, end, zone=_zone(zone))


@register.simple_tag
def event_day(moment: datetime, zone: tzinfo | str = UTC) -> texts.Day:
    """Its parts, for a calendar sheet."""
    return texts.day_text(moment, zone=_zone(zone))


def _zone(zone: tzinfo | str) -> tzinfo:
    """UTC for a name that no zone has."""
    return zone if isinstance(zone, tzinfo) else zone_by_name(zone) or UTC
