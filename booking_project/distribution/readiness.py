"""Whether the database is what `BOOKING_DISTRIBUTION` says."""

from django.conf import settings

from booking_project.distribution import sql
from booking_project.distribution.tables import TABLES


def mismatch() -> str:
    """Empty if all is well. Otherwise bookings would fail, or get ids of another sequence."""
    has_citus = sql.citus_version() is not None
    count = sum(sql.distribution_of(table) is not None for table in TABLES) if has_citus else 0
    if settings.DISTRIBUTED and count < len(TABLES):
        return "BOOKING_DISTRIBUTION is citus, but tables are not distributed: run `distribute`"
    if count and not settings.DISTRIBUTED:
        return "the tables are distributed, but BOOKING_DISTRIBUTION is not citus"
    return ""
