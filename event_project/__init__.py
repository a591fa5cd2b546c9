"""The event service: admins create events here."""
