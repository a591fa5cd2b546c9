"""The admin of events' copies and of bookings. It writes no row of them itself."""

from booking_project.organisers.admin import bookings, events

__all__ = ["bookings", "events"]
