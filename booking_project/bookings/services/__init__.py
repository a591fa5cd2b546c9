"""Everything that writes bookings and events."""
