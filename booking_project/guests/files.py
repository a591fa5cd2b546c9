"""What guests take along: an entry for their calendar, and a ticket."""

import functools
from datetime import UTC
from io import BytesIO

import segno
from icalendar import Calendar
from icalendar import Event as Entry

from booking_project.bookings.models import Booking, Event
from booking_project.guests.texts import summary_of
from shared.times.zones import zone_by_name


def calendar_of(booking: Booking, event: Event, *, address: str) -> bytes:
    """RFC 5545. The event must have a start; its times are in its own zone."""
    assert event.starts_at is not None
    zone = zone_by_name(event.time_zone) or UTC
    entry = Entry()
    entry.add("uid", f"booking-{booking.pk}@{address.split('/')[2]}")
    entry.add("dtstamp", booking.created_at)
    entry.add("summary", event.name)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    if event.ends_at is not None:
        entry.add("dtend", event.ends_at.astimezone(zone))
    if event.venue:
        entry.add("location", event.venue)
    if event.description:
        entry.add("description", summary_of(event.description, limit=1000))
    entry.add("url", address)
    calendar = Calendar()
    calendar.add("prodid", "-//Event reservations//EN")
    calendar.add("version", "2.0")
    calendar.add_component(entry)
    calendar.add_missing_timezones()
    text: bytes = calendar.to_ical()
    return text


@functools.lru_cache(maxsize=1024)
def qr_code_of(address: str) -> bytes:
    """As SVG."""
    picture = BytesIO()
    segno.make(address, error="m", micro=False).save(picture, kind="svg", scale=8, border=2)
    return picture.getvalue()
