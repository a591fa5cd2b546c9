"""The pages on which guests find events, book, and follow their bookings."""
