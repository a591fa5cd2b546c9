"""Time zones by their names, from the tz database."""

import functools
import zoneinfo

from django.http import HttpRequest

# A script keeps the browser's zone in it.
COOKIE = "time_zone"


def zone_by_name(name: str) -> zoneinfo.ZoneInfo | None:
    """None for a name that nobody has given to a zone."""
    return zoneinfo.ZoneInfo(name) if name in _known() else None


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The browser's zone, if it has said so."""
    return zone_by_name(request.COOKIES.get(COOKIE, ""))


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
