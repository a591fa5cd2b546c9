"""Dates and times as people write them, in the language of the page.

Thai ones have years of the Buddhist era. Times are on a 24-hour clock in both languages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from django.utils import dateformat
from django.utils.translation import get_language

_BUDDHIST_ERA = 543


@dataclass(frozen=True, kw_only=True)
class _Wording:
    """`date` and `short_date` are Django's formats."""

    date: str
    short_date: str
    moment: str
    until: str
    of_zone: str
    zones: Mapping[str, str]
    years_ahead: int = 0


_ENGLISH = _Wording(
    date="l j F Y",
    short_date="D j M Y",
    moment="{date}, {time}",
    until="{date}, {start}–{end}",
    of_zone="{city} time",
    zones={"UTC": "UTC"},
)
_THAI = _Wording(
    date="วันlที่ j F Y",
    short_date="D j M Y",
    moment="{date} {time} น.",
    until="{date} {start}–{end} น.",
    of_zone="เวลา {city}",
    zones={"Asia/Bangkok": "เวลาประเทศไทย", "UTC": "เวลาสากล (UTC)"},
    years_ahead=_BUDDHIST_ERA,
)


def date_text(moment: datetime, *, zone: tzinfo = UTC) -> str:
    """`Friday 20 February 2026`."""
    return _date(_local(moment, zone), _wording().date)


def moment_text(moment: datetime, *, zone: tzinfo = UTC) -> str:
    """`Fri 20 Feb 2026, 17:00`."""
    local = _local(moment, zone)
    wording = _wording()
    return wording.moment.format(date=_date(local, wording.short_date), time=_time(local))


def period_text(start: datetime, end: datetime | None, *, zone: tzinfo = UTC) -> str:
    """`Fri 20 Feb 2026, 17:00–19:30`, or both moments if they are on two days."""
    if end is None or end == start:
        return moment_text(start, zone=zone)
    first, last = _local(start, zone), _local(end, zone)
    if first.date() != last.date():
        return f"{moment_text(start, zone=zone)} – {moment_text(end, zone=zone)}"
    wording = _wording()
    return wording.until.format(
        date=_date(first, wording.short_date), start=_time(first), end=_time(last)
    )


class Day(NamedTuple):
    day: str
    month: str


def day_text(moment: datetime, *, zone: tzinfo = UTC) -> Day:
    """The two halves of `20 Feb 2026`."""
    local = _local(moment, zone)
    return Day(day=str(local.day), month=_date(local, "M Y"))


def zone_text(zone: Any) -> str:
    """`Bangkok time`, from the zone's name."""
    wording = _wording()
    name = str(zone)
    city = name.rpartition("/")[2].replace("_", " ")
    return wording.zones.get(name) or wording.of_zone.format(city=city)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:  # on the first or last day of the calendar
        return moment


def _date(local: datetime, pattern: str) -> str:
    year = local.year + _wording().years_ahead
    return dateformat.format(local, pattern).replace(f"{local.year:04}", f"{year:04}")


def _time(local: datetime) -> str:
    return f"{local:%H:%M}"


def _wording() -> _Wording:
    return _THAI if get_language() == "th" else _ENGLISH
